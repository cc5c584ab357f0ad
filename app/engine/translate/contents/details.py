"""Places, contact cards and polls; votes are in polls.py."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from app.core.details import CONTACTS, LIVE_LOCATION, LOCATION, POLL, Card, Place, Poll
from app.engine.events import Content, Detailed, Unsupported

# Anybody may send anything: what is longer or more than phones allow is cut.
_LONGEST, _MOST_CARDS, _MOST_PHONES, _MOST_OPTIONS = 1000, 257, 20, 100
_PHONE_LINE = re.compile(r"^(?:item\d+\.)?TEL(?P<about>[^:\n]*):(?P<number>[^\n]+)$", re.I | re.M)
_WHATSAPP_ID = re.compile(r"waid=(\d{5,20})", re.I)


def _place(kind: str, value: Any, name: str, address: str) -> Content:
    place = Place(value.degreesLatitude, value.degreesLongitude, _text(name), _text(address))
    on_earth = abs(place.latitude) <= 90 and abs(place.longitude) <= 180
    if not (math.isfinite(place.latitude) and math.isfinite(place.longitude) and on_earth):
        return Unsupported(kind, _text(name))
    return Detailed(kind, place)


def _cards(values: Any) -> Content:
    cards = [Card(_text(value.displayName), _phones(value.vcard)) for value in values[:_MOST_CARDS]]
    return Detailed(CONTACTS, cards) if cards else Unsupported(CONTACTS)


def _phones(vcard: str) -> tuple[str, ...]:
    """The numbers in a vCard, the account's digits where WhatsApp has put them beside (waid)."""
    unfolded = re.sub(r"\r?\n[ \t]", "", vcard[:100_000]).replace("\r\n", "\n")
    found = (
        whatsapp[1] if (whatsapp := _WHATSAPP_ID.search(line["about"])) else _text(line["number"])
        for line in _PHONE_LINE.finditer(unfolded)
    )
    return tuple(dict.fromkeys(found))[:_MOST_PHONES]


def _poll(value: Any) -> Content:
    options = [_option(option.optionName) for option in value.options[:_MOST_OPTIONS]]
    poll = Poll(_text(value.name), tuple(options), value.selectableOptionsCount)
    return Detailed(POLL, poll) if poll.question and options else Unsupported(POLL, poll.question)


def _option(said: str) -> str:
    """As it is, spaces around it too: votes name an answer by its hash."""
    return said.replace("\0", "")[:_LONGEST]


def _text(said: str) -> str:
    """Without NUL characters, which PostgreSQL does not store."""
    return said.replace("\0", "").strip()[:_LONGEST]


READERS: dict[str, Callable[[Any], Content | None]] = {
    "locationMessage": lambda value: _place(LOCATION, value, value.name, value.address),
    "liveLocationMessage": lambda value: _place(LIVE_LOCATION, value, value.caption, ""),
    "contactMessage": lambda value: _cards([value]),
    "contactsArrayMessage": lambda value: _cards(value.contacts),
    "pollCreationMessage": _poll,
    "pollCreationMessageV2": _poll,
    "pollCreationMessageV3": _poll,
}
