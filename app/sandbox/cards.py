"""Places and contact cards, as phones send them and as the journal tells of them."""

from __future__ import annotations

from typing import Any

from app.sandbox.protos import E2EMessage

# What the stanza calls them.
MEDIATYPES = {"location": "location", "contact": "vcard"}


def location(latitude: float, longitude: float, name: str, address: str) -> bytes:
    """Return a place; coordinates in degrees."""
    message = E2EMessage()
    place = message.locationMessage
    place.degreesLatitude, place.degreesLongitude = latitude, longitude
    place.name, place.address = name, address
    return bytes(message.SerializeToString())


def contact(name: str, phone: str) -> bytes:
    """Return the card of somebody whose number (digits alone) is `phone`."""
    message = E2EMessage()
    message.contactMessage.displayName = name
    message.contactMessage.vcard = (
        f"BEGIN:VCARD\nVERSION:3.0\nN:;{name};;;\nFN:{name}\n"
        f"TEL;type=CELL;waid={phone}:+{phone}\nEND:VCARD"
    )
    return bytes(message.SerializeToString())


def facts(message: Any) -> dict[str, Any]:
    """Return what the journal tells of a place or a card, nothing of other messages."""
    if message.HasField("locationMessage"):
        place = message.locationMessage
        told = {"latitude": place.degreesLatitude, "longitude": place.degreesLongitude}
        return {"location": {**told, "name": place.name, "address": place.address}}
    if message.HasField("contactMessage"):
        return {"contact": _card(message.contactMessage)}
    if message.HasField("contactsArrayMessage"):
        return {"contacts": [_card(card) for card in message.contactsArrayMessage.contacts]}
    return {}


def _card(card: Any) -> dict[str, Any]:
    return {"name": card.displayName, "vcard": card.vcard}
