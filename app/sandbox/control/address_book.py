"""Filling the address book of a phone."""

from __future__ import annotations

from typing import Any

from app.sandbox.appstate import CONTACTS
from app.sandbox.control.request import ControlError, Request, phone_number
from app.sandbox.network import Network
from app.sandbox.wire.jid import JID, USER_SERVER
from app.sandbox.world import PHONE, Endpoint


async def save(network: Network, request: Request, number: str) -> tuple[int, Any]:
    """Save contacts on the phone of `number`, whose linked devices are told."""
    account = network.account(number)
    entries = [_entry(given) for given in _list(request.body.get("contacts"))]
    account.appstate.set_contacts(entries)
    network.save_appstate(account)
    network.announce_appstate(Endpoint(account, PHONE), account.appstate.collection(CONTACTS))
    return 200, {"saved": len(entries)}


def _list(given: Any) -> list[Any]:
    if not isinstance(given, list) or not given:
        raise ControlError(400, "contacts is a list of pairs: number, name")
    return given


def _entry(given: Any) -> tuple[str, str]:
    match given:
        case [str(number), str(name)] if name.strip():
            return str(JID(phone_number(number), USER_SERVER)), name
    raise ControlError(400, f"{given!r} is not a number and a name")
