"""What places, contact cards and polls may be sent. Errors name the field as the API calls it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.core.details import Card, Place, Poll, Said
from app.core.errors import Invalid
from app.core.phones import normalize_phone
from app.core.texts import N_

NAME_LENGTH = 500
CARDS_MAX, PHONES_MAX = 50, 10
QUESTION_LENGTH, OPTION_LENGTH, OPTIONS = 255, 100, range(2, 13)
"""WhatsApp's own limits of a poll: 2 to 12 answers."""


def checked(said: Said, *, country: str) -> Said:
    """`said`, trimmed, numbers as digits. Raises Invalid (location, contacts, poll)."""
    if isinstance(said, Place):
        return _checked_place(said)
    return _checked_poll(said) if isinstance(said, Poll) else _checked_cards(said, country)


def _checked_place(place: Place) -> Place:
    finite = math.isfinite(place.latitude) and math.isfinite(place.longitude)
    if not finite or abs(place.latitude) > 90 or abs(place.longitude) > 180:
        message = N_("Latitude goes from -90 to 90, longitude from -180 to 180 degrees.")
        raise Invalid(message, field="location", code="bad_location")
    name, address = _short(place.name, "location"), _short(place.address, "location")
    return Place(place.latitude, place.longitude, name, address)


def _checked_cards(cards: Sequence[Card], country: str) -> list[Card]:
    if not 1 <= len(cards) <= CARDS_MAX:
        message = N_("Send %(low)d to %(high)d contact cards.")
        raise Invalid(message, field="contacts", code="bad_contacts", low=1, high=CARDS_MAX)
    return [_checked_card(card, country) for card in cards]


def _checked_card(card: Card, country: str) -> Card:
    name = _short(card.name, "contacts")
    if not name:
        message = N_("A contact card needs a name.")
        raise Invalid(message, field="contacts", code="contact_name_missing")
    if not 1 <= len(card.phones) <= PHONES_MAX:
        message = N_("A contact card needs a number, and may have %(count)d.")
        raise Invalid(message, field="contacts", code="contact_phones_missing", count=PHONES_MAX)
    digits = (normalize_phone(phone, country=country, field="contacts") for phone in card.phones)
    return Card(name, tuple(dict.fromkeys(digits)))


def _checked_poll(poll: Poll) -> Poll:
    question = poll.question.strip()
    if not 1 <= len(question) <= QUESTION_LENGTH:
        message = N_("A poll needs a question of at most %(count)d characters.")
        raise Invalid(message, field="poll", code="bad_poll_question", count=QUESTION_LENGTH)
    options = _checked_options([option.strip() for option in poll.options])
    if not 0 <= poll.choices <= len(options):
        message = N_("There are not so many answers to choose.")
        raise Invalid(message, field="poll", code="bad_poll_choices")
    return Poll(question, options, poll.choices)


def _checked_options(options: list[str]) -> tuple[str, ...]:
    if len(options) not in OPTIONS:
        message = N_("A poll needs %(low)d to %(high)d answers.")
        low, high = OPTIONS.start, OPTIONS.stop - 1
        raise Invalid(message, field="poll", code="bad_poll_options", low=low, high=high)
    if not all(1 <= len(option) <= OPTION_LENGTH for option in options):
        message = N_("Each answer of a poll has 1 to %(count)d characters.")
        raise Invalid(message, field="poll", code="bad_poll_option", count=OPTION_LENGTH)
    if len(set(options)) < len(options):
        raise Invalid(N_("Two answers are the same."), field="poll", code="repeated_poll_option")
    return tuple(options)


def _short(text: str, field: str) -> str:
    if len(text) > NAME_LENGTH:
        message = N_("Names and addresses may have at most %(count)d characters.")
        raise Invalid(message, field=field, code="details_too_long", count=NAME_LENGTH)
    return " ".join(text.split())
