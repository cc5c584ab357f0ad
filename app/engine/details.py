"""Places, contact cards and polls as WhatsApp's Message.

Sources: whatsmeow, send.go (BuildPollCreation; the message's secret, which every send carries, is
what votes are encrypted with); the vCard with `waid` as phones write it (wire.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.details import Card, Place, Poll, Said
from app.engine import library


def details_message(said: Said) -> Any:
    """Returns WhatsApp's Message that says this."""
    whole = library.message()
    if isinstance(said, Place):
        _say_place(whole.locationMessage, said)
    elif isinstance(said, Poll):
        _say_poll(whole, said)
    elif len(said) == 1:
        _say_card(whole.contactMessage, said[0])
    else:
        _say_cards(whole.contactsArrayMessage, said)
    return whole


def _say_place(part: Any, place: Place) -> None:
    part.degreesLatitude, part.degreesLongitude = place.latitude, place.longitude
    part.name, part.address = place.name, place.address


def _say_poll(whole: Any, poll: Poll) -> None:
    """Phones send a question with one answer as the third version of the message."""
    part = whole.pollCreationMessageV3 if poll.choices == 1 else whole.pollCreationMessage
    part.name, part.selectableOptionsCount = poll.question, poll.choices
    for option in poll.options:
        part.options.add().optionName = option


def _say_cards(part: Any, cards: Sequence[Card]) -> None:
    part.displayName = ", ".join(card.name for card in cards)
    for card in cards:
        _say_card(part.contacts.add(), card)


def _say_card(part: Any, card: Card) -> None:
    name = card.name.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    phones = [f"TEL;type=CELL;type=VOICE;waid={phone}:+{phone}" for phone in card.phones]
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:;{name};;;", f"FN:{name}", *phones, "END:VCARD"]
    part.displayName, part.vcard = card.name, "\n".join(lines)
