"""What people type of a place, contact cards and a poll, and the field that each error is about."""

from __future__ import annotations

import secrets
from typing import Any

from flask import request
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    FieldList,
    Form,
    FormField,
    HiddenField,
    SelectMultipleField,
    StringField,
)

from app.config import current_settings
from app.core.coordinates import degrees_of, pair_of
from app.core.details import Card, Place, Poll, Said
from app.core.errors import AppError, Invalid
from app.core.texts import N_
from app.i18n import words, words_of
from app.models import Instance
from app.services import contact_lists
from app.services.contact_lists import Person
from app.services.detail_rules import CARDS_MAX, NAME_LENGTH, OPTION_LENGTH, OPTIONS, checked

FOUND_MAX = 20
"""People that one search shows."""
_TYPED_MAX = 5
_QUERY_LENGTH = 100
_IDS_MAX = 2 * CARDS_MAX
"""More than may be sent: who chose too many is told so."""


def _storable(text: str | None) -> str | None:
    return text.replace("\0", "") if text else text  # PostgreSQL stores no NUL


def _text(label: Any = "", **more: Any) -> StringField:
    return StringField(label, filters=[_storable], **more)


class SayingForm(FlaskForm):
    """What the three have in common: `key` makes one message of a form that is sent twice."""

    key = HiddenField(id="saying-key", default=lambda: secrets.token_hex(16))
    reply_to = HiddenField(id="saying-reply-to", filters=[_storable])

    def read(self, instance: Instance) -> Said | None:
        """What is to be sent; None when something is wrong, which stands beside its field then."""
        raise NotImplementedError

    def show(self, error: AppError) -> None:
        """Puts what the service objects to beside the field that it is about."""
        if error.code == "idempotency_conflict":  # the form came back from the browser's history
            self.key.data = secrets.token_hex(16)
            sentence = N_("This was sent already. Send it again if you want to send it once more.")
            self.form_errors.append(words(sentence))
            return
        field = self._about(error)
        if field is None:
            self.form_errors.append(words_of(error))
        else:
            _mark(field, words_of(error))

    def focus_first_wrong(self) -> None:
        """Puts the cursor where the first correction is due."""
        for field in [one for one in self._typed() if one.errors][:1]:
            field.render_kw = {**(field.render_kw or {}), "autofocus": True}

    def _about(self, error: AppError) -> Field | None:
        raise NotImplementedError

    def _typed(self) -> list[Field]:
        raise NotImplementedError


class PlaceForm(SayingForm):
    """A point on the map. One field takes both numbers, as maps copy them."""

    latitude = _text(lazy_gettext("Latitude"), id="place-latitude")
    longitude = _text(lazy_gettext("Longitude"), id="place-longitude")
    name = _text(lazy_gettext("Name of the place"), id="place-name")
    address = _text(lazy_gettext("Address"), id="place-address")

    def read(self, instance: Instance) -> Place | None:
        """The place."""
        texts = pair_of(self.latitude.data or "", self.longitude.data or "")
        self.latitude.data, self.longitude.data = texts
        latitude, longitude = map(degrees_of, texts)
        if latitude is None:
            _mark(self.latitude, words(N_("Write the latitude in degrees, like 55.7558.")))
        if longitude is None:
            _mark(self.longitude, words(N_("Write the longitude in degrees, like 37.6173.")))
        if latitude is None or longitude is None:
            return None
        return Place(latitude, longitude, self.name.data or "", self.address.data or "")

    def _about(self, error: AppError) -> Field | None:
        if error.code == "bad_location":
            north = abs(degrees_of(self.latitude.data or "") or 0) > 90
            return self.latitude if north else self.longitude
        if error.code == "details_too_long":
            return self.name if len(self.name.data or "") > NAME_LENGTH else self.address
        return None

    def _typed(self) -> list[Field]:
        return [self.latitude, self.longitude, self.name, self.address]


class PollForm(SayingForm):
    """A question and up to twelve answers; empty fields are no answers."""

    question = _text(lazy_gettext("Question"), id="poll-question")
    # One more than there may be: who sends so many is told so, rather than that one is dropped.
    options = FieldList(_text(), min_entries=OPTIONS.stop - 1, max_entries=OPTIONS.stop, label="")
    several = BooleanField(lazy_gettext("Several answers may be chosen"), id="poll-several")

    @property
    def shown(self) -> int:
        """How many fields for answers are shown where scripts show more: one is empty."""
        return _shown([_is_filled(option) for option in self.options], least=OPTIONS.start)

    def read(self, instance: Instance) -> Poll:
        """The poll."""
        options = tuple(option.data for option in self.options if _is_filled(option))
        return Poll(self.question.data or "", options, 0 if self.several.data else 1)

    def _about(self, error: AppError) -> Field | None:
        if error.code == "bad_poll_question":
            return self.question
        if error.code == "bad_poll_options":
            empty = (option for option in self.options if not _is_filled(option))
            return next(empty, self.options[-1])
        if error.code in {"bad_poll_option", "repeated_poll_option"}:
            return self._wrong_option()
        return None

    def _wrong_option(self) -> Field | None:
        """The first that is too long, or stands there already."""
        seen: set[str] = set()
        for option in filter(_is_filled, self.options):
            text = option.data.strip()
            if text in seen or len(text) > OPTION_LENGTH:
                return option
            seen.add(text)
        return None

    def _typed(self) -> list[Field]:
        return [self.question, *self.options]


class TypedCard(Form):
    """A contact card of somebody who is in no list."""

    name = _text(lazy_gettext("Name"))
    phone = _text(lazy_gettext("Phone number"))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed."""
        return not (_is_filled(self.name) or _is_filled(self.phone))

    def card(self, country: str) -> Card | None:
        """The card; None when something is wrong with it."""
        phone = (self.phone.data or "").strip()
        card = Card(self.name.data or "", (phone,) if phone else ())
        try:
            checked([card], country=country)
        except Invalid as error:
            of_name = error.code in {"contact_name_missing", "details_too_long"}
            _mark(self.name if of_name else self.phone, words_of(error))
            return None
        return card


class CardsForm(SayingForm):
    """Contact cards: of people who are chosen among the contacts, and of others, who are typed."""

    q = _text(lazy_gettext("Search contacts"), id="cards-search")
    contact = SelectMultipleField(lazy_gettext("Contacts"), choices=[], id="cards-found")
    typed = FieldList(FormField(TypedCard), min_entries=_TYPED_MAX, max_entries=_TYPED_MAX)

    @property
    def shown(self) -> int:
        """How many rows to type in are shown where scripts show more: one is empty."""
        return _shown([not row.form.is_empty for row in self.typed], least=1)

    def read(self, instance: Instance) -> list[Card] | None:
        """The cards, those of chosen people first."""
        country = current_settings().default_country
        people = contact_lists.chosen(instance, chosen_ids())
        cards = [Card(one.shown_name, (f"+{one.phone}",)) for one in people]
        if len(people) < len(chosen_ids()):
            gone = N_(
                "Somebody you chose is not among the contacts any more. Check the list, then send."
            )
            _mark(self.contact, words(gone))
        rows = [row.form.card(country) for row in self.typed if not row.form.is_empty]
        if None in rows or self.contact.errors:
            return None
        return cards + [card for card in rows if card]

    def _about(self, error: AppError) -> Field | None:
        return self.contact if getattr(error, "field", None) == "contacts" else None

    def _typed(self) -> list[Field]:
        return [field for row in self.typed for field in (row.form.name, row.form.phone)]


def people_to_choose(instance: Instance) -> tuple[list[Person], list[Person]]:
    """Whom this request has chosen already, and whom else its search finds."""
    chosen = contact_lists.chosen(instance, chosen_ids())
    text = request.values.get("q", "").replace("\0", "").strip()[:_QUERY_LENGTH]
    country = current_settings().default_country
    found = contact_lists.with_numbers(
        instance, text, country=country, limit=FOUND_MAX + len(chosen)
    )
    numbers = {person.phone for person in chosen}
    return chosen, [one for one in found if one.phone not in numbers][:FOUND_MAX]


def chosen_ids() -> list[str]:
    """The ids of the people whom this request has chosen, each once."""
    ids = (one for one in request.values.getlist("contact") if "\0" not in one)
    return list(dict.fromkeys(ids))[:_IDS_MAX]


def _shown(filled: list[bool], *, least: int) -> int:
    last = max((number for number, one in enumerate(filled, 1) if one), default=0)
    return min(max(last + 1, least), len(filled))


def _is_filled(field: Field) -> bool:
    return bool((field.data or "").strip())


def _mark(field: Field, sentence: str) -> None:
    field.errors = [*field.errors, sentence]
