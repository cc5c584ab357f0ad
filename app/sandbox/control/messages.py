"""What phones say, over the control interface: texts, and what refers to an earlier message."""

from __future__ import annotations

from typing import Any

from app.sandbox import amendments, chat_states
from app.sandbox.amendments import Target
from app.sandbox.control.request import ControlError, Request, phone_number
from app.sandbox.groups.group import Group
from app.sandbox.network import Network, NetworkError
from app.sandbox.phone import Phone
from app.sandbox.wire.jid import GROUP_SERVER, JID
from app.sandbox.world import Account

_Answer = tuple[int, Any]


async def send(network: Network, request: Request, number: str) -> _Answer:
    """Write a text, in answer to an earlier message if one is quoted."""
    phone, to = pair(network, request, number)
    text = request.text("text")
    if "forwarded" in request.body or "mentions" in request.body:
        named = _named(network, request)
        forwarded = int(request.body.get("forwarded", 0))
        spoken = amendments.spoken(text, forwarded=forwarded, mentions=named)
        return 200, {"id": phone.send(to, spoken)}
    if "quote" not in request.body:
        return 200, {"id": phone.send_text(to, text)}
    quoted = _earlier(phone, request.text("quote"), to)
    author = network.account(quoted["from"]).lid
    return 200, {"id": phone.send(to, amendments.reply(text, quoted, author))}


async def typing(network: Network, request: Request, number: str) -> _Answer:
    """Let the phone type, record a voice message, or stop."""
    phone, to = pair(network, request, number)
    state = request.text("state", chat_states.COMPOSING)
    if state not in chat_states.STATES:
        raise ControlError(400, f"state is one of {', '.join(chat_states.STATES)}")
    chat_states.spread(network, phone.account, to, state)
    return 200, {"state": state}


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
    named = _named(network, request)
    return 200, {"id": phone.send(to, amendments.edit(_own(phone, request, to), text, named))}


async def delete(network: Network, request: Request, number: str) -> _Answer:
    """Delete a message of one's own for everybody."""
    phone, to = pair(network, request, number)
    return 200, {"id": phone.send(to, amendments.deletion(_own(phone, request, to)))}


async def play(network: Network, request: Request, number: str) -> _Answer:
    """Listen to a voice note."""
    phone = network.phones[network.account(number).number]
    author = network.account(phone_number(request.text("from")))
    message_id = request.text("id")
    try:
        heard = phone.find(message_id)
    except KeyError:
        heard = {}
    if heard.get("from") != author.number:
        raise ControlError(404, f"no message {message_id!r} of {author.number}")
    phone.play(author, message_id)
    return 200, {"id": message_id}


def pair(network: Network, request: Request, number: str) -> tuple[Phone, Account | Group]:
    """Return the phone that acts, and whom or where it writes; raises ControlError,
    NetworkError."""
    account = network.account(number)
    return network.phones[account.number], place(network, account, request.text("to"))


def place(network: Network, writer: Account, to: str) -> Account | Group:
    """Return the account of a number, or the group of an address that `writer` is in."""
    if not to.endswith(f"@{GROUP_SERVER}"):
        return network.account(phone_number(to))
    group = network.groups.find(JID.parse(to))
    if group is None or not group.may_write(writer.number):
        raise NetworkError(f"{writer.number} cannot write in {to}")
    return group


def _earlier(phone: Phone, message_id: str, other: Account | Group) -> dict[str, Any]:
    """Return a message of the chat with `other` as the journal has it."""
    try:
        entry = phone.find(message_id)
    except KeyError:
        entry = {}
    chat = str(other.jid) if isinstance(other, Group) else other.number
    if chat not in (entry.get("from"), entry.get("to")):
        raise ControlError(404, f"no message {message_id!r} between the two")
    return entry


def target(phone: Phone, request: Request, to: Account | Group) -> Target:
    """Return the message of the chat that the request names; raises ControlError."""
    entry = _earlier(phone, request.text("id"), to)
    from_me = entry["from"] == phone.account.number
    if isinstance(to, Group):
        return Target(to.jid, entry["id"], from_me, phone.network.account(entry["from"]).lid)
    return Target(to.lid, entry["id"], from_me)


def _named(network: Network, request: Request) -> list[JID]:
    """The LIDs of those who are named in the text."""
    return [network.account(phone_number(one)).lid for one in request.body.get("mentions", ())]


def _own(phone: Phone, request: Request, to: Account | Group) -> Target:
    found = target(phone, request, to)
    if not found.from_me:
        raise ControlError(422, "only one's own messages can be changed")
    return found
