"""Lists of contacts: searched, sorted, page by page, in the same time however many there are.

What a list goes by stands in an index with everything that a search looks at, so a search reads
the index alone; the rows of the page are read by their ids. Pages go on behind a place in the
order, not behind a number of rows.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, column, func, literal_column, select, table, tuple_

from app.clock import utcnow
from app.core.errors import Invalid
from app.core.naming import words_to_find
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Contact, Instance, NumberCheck, WhatsAppContact
from app.models.contact_grams import grams_of, name_of
from app.services import naming, number_checks
from app.services.contact_order import Place, by_last_message

Person = Contact | WhatsAppContact
Kind = type[Contact] | type[WhatsAppContact]

_FEW = 500
_MOST_GRAMS = 40


class Source(StrEnum):
    """Whose contacts are listed."""

    WHATSAPP = "whatsapp"
    DATABASE = "database"


class Order(StrEnum):
    """What a list goes by."""

    NAME = "name"
    NAME_REVERSED = "name_reversed"
    NEWEST = "newest"
    LAST_MESSAGE = "last_message"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to see of an instance's contacts."""

    source: Source = Source.WHATSAPP
    text: str = ""
    order: Order = Order.NAME
    cursor: str | None = None
    limit: int = 30


@dataclass(frozen=True, slots=True)
class Line:
    """A contact as a list shows it."""

    person: Person
    chat: Chat | None  # with the account that is linked now, by the main number
    other_chats: list[Chat]  # by the other numbers
    saved: Contact | None  # of somebody WhatsApp knows: the contact that is kept here
    check: NumberCheck | None = None  # whether WhatsApp knows the number, as far as it was asked

    @property
    def is_checking(self) -> bool:
        """Whether WhatsApp may still answer."""
        if self.check is None or self.check.answered_at is not None:
            return False
        return self.check.asked_at > utcnow() - number_checks.GOOD_FOR

    @property
    def last_at(self) -> datetime | None:
        """When the newest message came or went."""
        chats = [self.chat, *self.other_chats]
        return max((one.last_at for one in chats if one and one.last_kind), default=None)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    lines: list[Line]
    next: str | None  # the cursor of the page behind; None at the end


def page_of(instance: Instance, wish: Wish, *, country: str) -> Page:
    """The part of the instance's contacts that `wish` asks for; `country` completes numbers that
    are searched for. Raises Invalid (cursor)."""
    kind, within = _kind(instance, wish.source)
    if wish.order is Order.LAST_MESSAGE:
        conditions = [within, *fits(kind, wish.text, country)]
        places = by_last_message(kind, instance.account_id, conditions, _reached(wish), wish.limit)
    else:
        query: Any = select(kind.id, kind.sort_key).where(within, *fits(kind, wish.text, country))
        query = _behind(query, kind, wish).limit(wish.limit + 1)
        places = [Place(one.id, one.sort_key, one.id) for one in db.session.execute(query)]
    shown = places[: wish.limit]
    more = len(places) > wish.limit
    in_full = select(kind).where(kind.id.in_([place.id for place in shown]))
    by_id: dict[str, Person] = {row.id: row for row in db.session.scalars(in_full)}  # type: ignore[misc, attr-defined]
    people = [by_id[place.id] for place in shown if place.id in by_id]
    cursor = cursor_of(shown[-1].key, shown[-1].mark) if more else None
    return Page(lines_of(instance, people), cursor)


def lines_of(instance: Instance, people: list[Person]) -> list[Line]:
    """`people` with their chats, and with the contacts that are kept of them here."""
    if not people:
        return []
    phones, lids = naming.addresses_of(people)
    of_account = Chat.account_id == instance.account_id
    chats = naming.by_address(naming.find_people(Chat, of_account, phones, lids))
    saved: dict[str, Contact] = {}
    checks: dict[str, NumberCheck] = {}
    if isinstance(people[0], Contact):
        checks = number_checks.of_numbers(instance, phones)
    else:
        ours = Contact.instance_id == instance.id
        saved = naming.by_address(naming.find_people(Contact, ours, phones, lids))
    return [
        Line(
            one,
            naming.one_with(chats, one),
            _other_chats(chats, one),
            naming.one_with(saved, one) if saved else None,
            checks.get(one.phone or ""),
        )
        for one in people
    ]


def _other_chats(chats: dict[str, Chat], person: Person) -> list[Chat]:
    main = naming.one_with(chats, person)
    keys = [key for address in person.addresses[1:] for key in naming.keys_of(*address)]
    others = {chats[key].id: chats[key] for key in keys if key in chats}
    return [chat for chat in others.values() if chat is not main]


def with_numbers(instance: Instance, text: str, *, country: str, limit: int) -> list[Person]:
    """People of both sources who have a number and whom `text` finds, by name, each number once:
    whoever is kept here goes before the same person as WhatsApp knows them."""
    found: dict[str | None, Person] = {}
    for source in (Source.DATABASE, Source.WHATSAPP):
        kind, within = _kind(instance, source)
        query: Any = select(kind).where(within, kind.phone.is_not(None))
        query = query.where(*fits(kind, text, country)).order_by(kind.sort_key, kind.id)
        for person in db.session.scalars(query.limit(limit)):
            found.setdefault(person.phone, person)
    return sorted(found.values(), key=lambda one: (one.sort_key, one.id))[:limit]


def chosen(instance: Instance, ids: Sequence[str]) -> list[Person]:
    """Those people of the instance, with a number, who have one of `ids`, in the order of these."""
    found: dict[str, Person] = {}
    for source in Source:
        kind, within = _kind(instance, source)
        query: Any = select(kind).where(within, kind.phone.is_not(None), kind.id.in_(ids))
        found.update((person.id, person) for person in db.session.scalars(query))
    return [found[one] for one in ids if one in found]


def count(instance: Instance, source: Source) -> int:
    """How many contacts there are."""
    kind, within = _kind(instance, source)
    return db.session.scalar(select(func.count()).select_from(kind).where(within)) or 0


def _kind(instance: Instance, source: Source) -> tuple[Kind, ColumnElement[bool]]:
    if source is Source.DATABASE:
        return Contact, Contact.instance_id == instance.id
    return WhatsAppContact, WhatsAppContact.account_id == instance.account_id


def fits(kind: Kind, text: str, country: str) -> list[ColumnElement[bool]]:
    """What a search for `text` asks of rows: every word has to stand in the search text."""
    words = words_to_find(text, country=country)
    if db.session.get_bind().dialect.name != "sqlite":
        return [kind.search.contains(word, autoescape=True) for word in words]
    # A LIKE would fold case once more.
    return [*_narrowed(kind, words), *(func.instr(kind.search, word) > 0 for word in words)]


def _narrowed(kind: Kind, words: list[str]) -> list[ColumnElement[bool]]:
    """Where few rows of the whole table have all the words, that it is one of those: then nobody
    else is looked at. Where many have them, a page is soon full."""
    grams = grams_of(words)[:_MOST_GRAMS]
    if not grams:
        return []
    index = table(name_of(kind.__tablename__), column("rowid"))
    asked = " AND ".join('"{}"'.format(gram.replace('"', '""')) for gram in grams)
    found = literal_column(index.name).op("MATCH")(asked)
    query = select(index.c.rowid).select_from(index).where(found).limit(_FEW + 1)
    rows = list(db.session.scalars(query))
    if len(rows) > _FEW:
        return []
    return [literal_column(f"{kind.__tablename__}.rowid").in_(rows)]


def _behind(query: Select[Any], kind: Kind, wish: Wish) -> Select[Any]:
    """`query` in its order, from behind the cursor on."""
    key, last_id = _reached(wish)
    if wish.order is Order.NEWEST:
        query = query.order_by(kind.id.desc())
        return query.where(kind.id < last_id) if wish.cursor else query
    place, reached = tuple_(kind.sort_key, kind.id), tuple_(key, last_id)
    if wish.order is Order.NAME_REVERSED:
        query = query.order_by(kind.sort_key.desc(), kind.id.desc())
        return query.where(place < reached) if wish.cursor else query
    query = query.order_by(kind.sort_key, kind.id)
    return query.where(place > reached) if wish.cursor else query


def _reached(wish: Wish) -> tuple[str, str]:
    return place_of(wish.cursor) if wish.cursor else ("", "")


def cursor_of(key: str, last_id: str) -> str:
    """The place in a list, as pages name it."""
    return base64.urlsafe_b64encode(f"{last_id} {key}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> tuple[str, str]:
    """Key and id of a place. Raises Invalid (cursor)."""
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        text = ""
    if " " not in text or "\0" in text:  # PostgreSQL could not even compare a NUL
        raise Invalid(N_("There is no such page."), field="cursor", code="bad_cursor")
    last_id, _, key = text.partition(" ")
    return key, last_id
