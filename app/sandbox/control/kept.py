"""Keeping chats on a phone: archived, pinned, muted, marked unread."""

from __future__ import annotations

from typing import Any

from app.sandbox import keeping
from app.sandbox.control.request import ControlError, Request, phone_number
from app.sandbox.network import Network
from app.sandbox.wire.jid import GROUP_SERVER, JID, USER_SERVER

_SWITCHES = ("archived", "pinned", "unread")


async def keep(network: Network, request: Request, number: str) -> tuple[int, Any]:
    """Let the phone of `number` keep a chat as the body says; its linked devices are told."""
    account = network.account(number)
    chat = _chat(network, request.text("chat"))
    changes = {name: value for name, value in request.body.items() if name != "chat"}
    if not changes or not all(_is_right(*change) for change in changes.items()):
        raise ControlError(400, "archived, pinned and unread are true or false, muted_until is ms")
    for what, to in changes.items():
        keeping.change(network, account, chat, what, to)
    return 200, {"chat": chat}


def _is_right(what: str, to: Any) -> bool:
    if what in _SWITCHES:
        return isinstance(to, bool)
    return what == "muted_until" and isinstance(to, int) and not isinstance(to, bool)


def _chat(network: Network, given: str) -> str:
    """The chat's JID: by number, as phones name people in what they share."""
    if given.endswith(f"@{GROUP_SERVER}"):
        return given
    return str(JID(network.account(phone_number(given)).number, USER_SERVER))
