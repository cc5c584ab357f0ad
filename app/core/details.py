"""What some kinds of messages say besides a text: a place, contact cards, a poll.

`as_data` gives what is stored, and told to programs; the functions beside it read that back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

LOCATION, LIVE_LOCATION, CONTACTS, POLL = "location", "live_location", "contacts", "poll"
"""Kinds of messages."""

DETAILS = ("location", "contacts", "poll")
Details = dict[str, Any]
"""One key, `location`, `contacts` or `poll`, with what as_data made."""


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the map, in degrees."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """Somebody's contact card. `phones`: as they are written in it, those of WhatsApp as digits."""

    name: str
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Poll:
    """A question with answers to choose from: `choices` of them at most, 0 for any number."""

    question: str
    options: tuple[str, ...]
    choices: int = 0


Said = Place | Poll | Sequence[Card]


def as_data(said: Said) -> Details:
    """`said` as it is stored."""
    if isinstance(said, Place):
        return {"location": asdict(said)}
    if isinstance(said, Poll):
        return {"poll": {**asdict(said), "options": list(said.options)}}
    return {"contacts": [{"name": card.name, "phones": list(card.phones)} for card in said]}


def said_in(data: Details) -> Said:
    """What was stored."""
    if place := data.get("location"):
        return Place(**place)
    if poll := data.get("poll"):
        return Poll(**{**poll, "options": tuple(poll["options"])})
    return [Card(card["name"], tuple(card["phones"])) for card in data["contacts"]]


def kind_of(said: Said) -> str:
    """The kind of a message that says this."""
    if isinstance(said, Place):
        return LOCATION
    return POLL if isinstance(said, Poll) else CONTACTS


def text_of(said: Said) -> str:
    """What a list shows of it, and a search finds."""
    if isinstance(said, Place):
        return ", ".join(filter(None, (said.name, said.address)))
    return said.question if isinstance(said, Poll) else ", ".join(card.name for card in said)
