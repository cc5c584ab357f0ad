"""What phones say, over the control interface: texts, and what refers to an earlier message."""

from __future__ import annotations

from typing import Any

from app.sandbox import amendments
from app.sandbox.amendments import Target
from app.sandbox.control.request import ControlError, Request, phone_number
from app.sandbox.network import Network
from app.sandbox.phone import Phone
from app.sandbox.world import Account

_Answer = tuple[int, Any]


async def send(network: Network, request: Request, number: str) -> _Answer:
    """Write a text, in answer to an earlier message if one is quoted."""
    phone, to = pair(network, request, number)
    text = request.text("text")
    if "quote" not in request.body:
        return 200, {"id": phone.send_text(to, text)}
    quoted = _earlier(phone, request.text("quote"), to)
    author = network.account(quoted["from"]).lid
    return 200, {"id": phone.send(to, amendments.reply(text, quoted, author))}


async def react(network: Network, request: Request, number: str) -> _Answer:
    """React to a message of the chat; an empty emoji takes the reaction back."""
    phone, to = pair(network, request, number)
    emoji = request.body.get("emoji")
    if not isinstance(emoji, str):
        raise ControlError(400, "emoji is needed, as text")
    return 200, {"id": phone.send(to, amendments.reaction(target(phone, request, to), emoji))}


async def edit(network: Network, request: Request, number: str) -> _Answer:
    """Change a text of one's own."""
    phone, to = pair(network, request, number)
    text = request.text("text")
    return 200, {"id": phone.send(to, amendments.edit(_own(phone, request, to), text))}


async def delete(network: Network, request: Request, number: str) -> _Answer:
    """Delete a message of one's own for everybody."""
    phone, to = pair(network, request, number)
    return 200, {"id": phone.send(to, amendments.deletion(_own(phone, request, to)))}


async def play(network: Network, request: Request, number: str) -> _Answer:
    """Listen to a voice note."""
    phone, author = pair(network, request, number, "from")
    message_id = request.text("id")
    _earlier(phone, message_id, author)
    phone.play(author, message_id)
    return 200, {"id": message_id}


def pair(
    network: Network, request: Request, number: str, other: str = "to"
) -> tuple[Phone, Account]:
    """Return the phone that acts and the other account; raises ControlError, NetworkError."""
    account = network.account(number)
    return network.phones[account.number], network.account(phone_number(request.text(other)))


def _earlier(phone: Phone, message_id: str, other: Account) -> dict[str, Any]:
    """Return a message of the chat with `other` as the journal has it."""
    try:
        entry = phone.find(message_id)
    except KeyError:
        entry = {}
    if other.number not in (entry.get("from"), entry.get("to")):
        raise ControlError(404, f"no message {message_id!r} between the two")
    return entry


def target(phone: Phone, request: Request, to: Account) -> Target:
    """Return the message of the chat that the request names; raises ControlError."""
    entry = _earlier(phone, request.text("id"), to)
    return Target(to.lid, entry["id"], entry["from"] == phone.account.number)


def _own(phone: Phone, request: Request, to: Account) -> Target:
    found = target(phone, request, to)
    if not found.from_me:
        raise ControlError(422, "only one's own messages can be changed")
    return found
