"""Places, contact cards, polls and votes of phones, over the control interface."""

from __future__ import annotations

from typing import Any

from app.sandbox import cards, polls
from app.sandbox.control.messages import pair, target
from app.sandbox.control.request import ControlError, Request, phone_number
from app.sandbox.network import Network

_Answer = tuple[int, Any]
_OPTIONS = range(2, 13)


async def location(network: Network, request: Request, number: str) -> _Answer:
    """Send a place."""
    phone, to = pair(network, request, number)
    place = cards.location(
        _degrees(request, "latitude", 90),
        _degrees(request, "longitude", 180),
        str(request.body.get("name", "")),
        str(request.body.get("address", "")),
    )
    return 200, {"id": phone.send(to, place)}


async def contact(network: Network, request: Request, number: str) -> _Answer:
    """Send a contact card."""
    phone, to = pair(network, request, number)
    card = cards.contact(request.text("name"), phone_number(request.text("phone")))
    return 200, {"id": phone.send(to, card)}


async def poll(network: Network, request: Request, number: str) -> _Answer:
    """Ask something."""
    phone, to = pair(network, request, number)
    options = _options(request)
    choices = request.body.get("choices", 1)
    if len(options) not in _OPTIONS or len(set(options)) < len(options):
        raise ControlError(400, "a poll has 2 to 12 different options")
    if type(choices) is not int or not 0 <= choices <= len(options):
        raise ControlError(400, "choices is a number up to that of the options")
    return 200, {"id": phone.send(to, polls.create(request.text("question"), options, choices))}


async def vote(network: Network, request: Request, number: str) -> _Answer:
    """Vote in a poll of the chat."""
    phone, to = pair(network, request, number)
    about = target(phone, request, to)
    try:
        asked = phone.poll(about.id)
        ballot = polls.vote(about, asked, phone.account.lid, _options(request))
    except KeyError:
        raise ControlError(422, f"{about.id} is not a poll") from None
    except polls.VoteError as error:
        raise ControlError(422, str(error)) from None
    return 200, {"id": phone.send(to, ballot)}


def _degrees(request: Request, name: str, limit: int) -> float:
    value = request.body.get(name)
    if not isinstance(value, int | float) or not -limit <= value <= limit:
        raise ControlError(400, f"{name} is a number from -{limit} to {limit}")
    return float(value)


def _options(request: Request) -> list[str]:
    options = request.body.get("options")
    if not isinstance(options, list) or not all(isinstance(o, str) and o for o in options):
        raise ControlError(400, "options is a list of texts")
    return options
