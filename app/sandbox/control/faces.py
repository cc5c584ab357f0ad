"""Profile pictures over the control interface."""

from __future__ import annotations

from typing import Any

from app.sandbox import notices
from app.sandbox.control.request import ControlError, Request
from app.sandbox.media import host
from app.sandbox.network import Network
from app.sandbox.wire.jid import GROUP_SERVER, JID


async def of_account(network: Network, request: Request, number: str) -> tuple[int, Any]:
    """Give an account the picture that is the request's body; without one it has none."""
    account = network.account(number)
    picture_id = _put(network, request, account.number)
    notices.picture_of_account(network, account, picture_id)
    return 200, {"id": picture_id}


async def of_group(network: Network, request: Request, group_id: str) -> tuple[int, Any]:
    """Give a group a picture, or none; its creator does so."""
    group = network.groups.find(JID(group_id, GROUP_SERVER))
    if group is None:
        raise ControlError(404, f"there is no group {group_id}")
    picture_id = _put(network, request, group_id)
    notices.picture_of_group(network, group, network.account(group.creator), picture_id)
    return 200, {"id": picture_id}


async def where(network: Network, request: Request, number: str) -> tuple[int, Any]:
    """Tell where the picture of an account is, as an engine is told."""
    user = network.account(number).number
    picture_id = network.faces.id_of(user)
    if picture_id is None:
        raise ControlError(404, f"{user} has no picture")
    return 200, {"id": picture_id, "url": host.picture_url(network, user, picture_id)}


def _put(network: Network, request: Request, user: str) -> str | None:
    if request.upload is None or not request.upload.stat().st_size:
        network.faces.drop(user)
        return None
    return network.faces.put(user, request.upload)
