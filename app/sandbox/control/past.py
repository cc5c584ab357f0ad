"""Giving a phone a past, which it tells to every device that is linked from then on."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from app.sandbox.control.request import ControlError, Request, phone_number
from app.sandbox.network import Network
from app.sandbox.past import PastChat, PastMessage
from app.sandbox.wire.jid import GROUP_SERVER
from app.sandbox.world import Account


async def keep(network: Network, request: Request, number: str) -> tuple[int, Any]:
    """Let the phone of `number` remember these chats, in place of those that it did."""
    account = network.account(number)
    chats = [_chat(account, given) for given in _list(request.body, "chats")]
    network.phones[account.number].past = chats
    network.save_past(account)
    return 200, {"chats": [{"ids": [one.id for one in chat.messages]} for chat in chats]}


def _chat(account: Account, given: Any) -> PastChat:
    if not isinstance(given, dict):
        raise ControlError(400, f"{given!r} is not a chat")
    other = str(given.get("with", ""))
    if not other.endswith(f"@{GROUP_SERVER}"):
        other = phone_number(other)
    unread = given.get("unread", 0)
    if type(unread) is not int or unread < 0:
        raise ControlError(400, "unread is a number")
    messages = [_message(account, other, one) for one in _list(given, "messages")]
    messages.sort(key=lambda one: one.at)
    return PastChat(other, str(given.get("name", "")), unread, tuple(messages))


def _message(account: Account, other: str, given: Any) -> PastMessage:
    """Written by the phone's owner, by the other one, or in a group by the number in `from`."""
    match given:
        case {"text": str(text), "at": str(at), "from_me": True}:
            author = account.number
        case {"text": str(text), "at": str(at), "from": str(number)}:
            author = phone_number(number)
        case {"text": str(text), "at": str(at)} if "@" not in other:
            author = other
        case _:
            raise ControlError(400, "a message has text, at, and from_me or (in groups) from")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise ControlError(400, f"{at!r} is not a time") from None
    if moment.tzinfo is None:
        raise ControlError(400, f"{at!r} names no time zone")
    return PastMessage("3A" + secrets.token_hex(9).upper(), author, text, int(moment.timestamp()))


def _list(body: dict[str, Any], name: str) -> list[Any]:
    given = body.get(name)
    if not isinstance(given, list):
        raise ControlError(400, f"{name} is a list")
    return given
