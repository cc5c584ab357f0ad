"""Profile pictures over the control interface."""

from __future__ import annotations

from typing import Any

from app.sandbox.control.request import ControlError, Request
from app.sandbox.network import Network
from app.sandbox.wire.jid import GROUP_SERVER, JID


async def of_account(network: Network, request: Request, number: str) -> tuple[int, Any]:
    """Give an account the picture that is the request's body; without one it has none."""
    return 200, _put(network, request, network.account(number).number)


async def of_group(network: Network, request: Request, group_id: str) -> tuple[int, Any]:
    """Give a group a picture, or none."""
    if network.groups.find(JID(group_id, GROUP_SERVER)) is None:
        raise ControlError(404, f"there is no group {group_id}")
    return 200, _put(network, request, group_id)


def _put(network: Network, request: Request, user: str) -> dict[str, str | None]:
    if request.upload is None or not request.upload.stat().st_size:
        network.faces.drop(user)
        return {"id": None}
    return {"id": network.faces.put(user, request.upload)}
