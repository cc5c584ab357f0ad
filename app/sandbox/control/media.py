"""Media over the control interface: send a file as any contact, fetch what an account received."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.sandbox.control.messages import place
from app.sandbox.control.request import ControlError, Request
from app.sandbox.media import album
from app.sandbox.media.attachments import Attachment
from app.sandbox.media.kinds import KINDS, MediaKind
from app.sandbox.media.shelf import TooLarge
from app.sandbox.network import Network

_ONCE: tuple[MediaKind, ...] = ("image", "video", "voice")
_DIGITS = 6


async def send(network: Network, request: Request, number: str) -> tuple[int, Any]:
    """Send the request's body as a file, as the query describes it."""
    account = network.account(number)
    to = place(network, account, request.query.get("to", ""))
    attachment = _described(request.query)
    if request.upload is None:
        raise ControlError(400, "the body is the file")
    try:
        sent = await album.send(network.phones[account.number], to, attachment, request.upload)
    except TooLarge as error:
        raise ControlError(413, str(error)) from None
    return 200, {"id": sent}


def _described(query: dict[str, str]) -> Attachment:
    kind = query.get("kind", "")
    if kind not in KINDS:
        raise ControlError(400, f"kind is one of {', '.join(KINDS)}")
    view_once = query.get("view_once", "false")
    if view_once not in ("true", "false"):
        raise ControlError(400, "view_once is true or false")
    if view_once == "true" and kind not in _ONCE:
        raise ControlError(400, f"only {', '.join(_ONCE)} can be seen once")
    return Attachment(
        kind=next(known for known in KINDS if known == kind),
        mime=query.get("mime", ""),
        caption=query.get("caption", ""),
        file_name=query.get("file_name", ""),
        seconds=_number(query, "seconds"),
        width=_number(query, "width"),
        height=_number(query, "height"),
        view_once=view_once == "true",
        animated=query.get("animated") == "true",
    )


def _number(query: dict[str, str], name: str) -> int:
    value = query.get(name, "0")
    if not value.isdecimal() or len(value) > _DIGITS:
        raise ControlError(400, f"{name} is a number of up to {_DIGITS} digits")
    return int(value)


async def received(network: Network, request: Request, number: str) -> tuple[int, Any]:
    """List what the phone has downloaded, oldest first."""
    return 200, {"media": _received(network, number)}


async def fetch(
    network: Network, request: Request, number: str, message_id: str
) -> tuple[int, Path]:
    """Give out the plain file that a message brought."""
    for entry in reversed(_received(network, number)):
        if entry["id"] == message_id:
            file = network.gallery.find(entry["sha256"])
            if file:
                return 200, file
            raise ControlError(404, "the file has been dropped: too much came after it")
    raise ControlError(404, f"{number} has received no file with {message_id!r}")


def _received(network: Network, number: str) -> list[dict[str, Any]]:
    account = network.account(number)
    return [
        {name: entry[name] for name in ("id", "from", "device", "time")} | entry["media"]
        for entry in network.journal.since(0)
        if (entry["kind"], entry["account"]) == ("media", account.number)
    ]
