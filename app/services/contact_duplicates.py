"""Contacts that are likely one person: looked for when somebody asks, for it takes a look at all of
them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased

from app.core.errors import Invalid
from app.core.phones import OTHER_NOTATIONS
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Contact, Instance, WhatsAppContact
from app.services import contact_lists
from app.services.contact_lists import Line, cursor_of, place_of
from app.services.contact_merging import MOST_MERGED

MOST_SURE = 100
"""Groups of one sure kind that are shown at once: the next come when these are merged."""
PAGE = 50
_NAMELESS = "\uffff"  # see app/core/naming.py


class Likeness(StrEnum):
    """Why contacts are likely one person, the surest first."""

    SAME_PERSON = "same_person"  # WhatsApp says that the LID of one is the other's number
    SAME_NUMBER = "same_number"  # one number in two notations
    SAME_NAME = "same_name"  # which says little: namesakes have that, too


@dataclass(frozen=True, slots=True)
class Group:
    """Contacts that are likely one person."""

    likeness: Likeness
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of what was found; the sure ones are on the first."""

    groups: list[Group]
    next: str | None  # the cursor of the page behind; None at the end


def page_of(instance: Instance, *, cursor: str | None = None, limit: int = PAGE) -> Page:
    """The contacts of `instance` that are likely one person. Raises Invalid (cursor)."""
    found: list[tuple[Likeness, list[str]]] = []
    if cursor is None:
        found += [(Likeness.SAME_PERSON, ids) for ids in _joined(_told_by_whatsapp(instance))]
        found += [(Likeness.SAME_NUMBER, ids) for ids in _joined(_other_notations(instance))]
    names = _names(instance, _reached(cursor), limit + 1)
    by_name = _named(instance, names[:limit])
    found += [(Likeness.SAME_NAME, ids) for ids in by_name]
    following = cursor_of(names[limit - 1], "name") if len(names) > limit else None
    return Page(_groups(instance, found), following)


def _told_by_whatsapp(instance: Instance) -> Iterator[tuple[str, str]]:
    """Pairs of which one has the number and the other the LID of a person whom WhatsApp knows by
    both."""
    numbered, named = aliased(Contact), aliased(Contact)
    for kind in (WhatsAppContact, Chat):
        query: Any = (
            select(numbered.id, named.id)
            .select_from(named)
            .join(kind, kind.lid == named.lid)
            .join(numbered, numbered.phone == kind.phone)
            .where(
                kind.account_id == instance.account_id,
                named.instance_id == instance.id,
                numbered.instance_id == instance.id,
                or_(named.phone.is_(None), named.phone != kind.phone),
                numbered.id != named.id,
                _may_be_another(numbered, named),
            )
        )
        yield from _pairs(query)


def _may_be_another(numbered: Any, named: Any) -> Any:
    """Everybody whose LID is known has it in their own row: only others are looked at."""
    return or_(numbered.lid.is_(None), numbered.lid != named.lid)


def _other_notations(instance: Instance) -> Iterator[tuple[str, str]]:
    """Pairs whose numbers differ by a digit that some countries write or leave out."""
    long, short = aliased(Contact), aliased(Contact)
    for prefix, length, place, digit in OTHER_NOTATIONS:
        without = func.substr(long.phone, 1, place).concat(func.substr(long.phone, place + 2))
        query = (
            select(long.id, short.id)
            .join(short, (short.instance_id == instance.id) & (short.phone == without))
            .where(
                long.instance_id == instance.id,
                long.phone >= prefix,
                long.phone < f"{prefix}:",  # ":" comes behind "9"
                func.length(long.phone) == length,
                func.substr(long.phone, place + 1, 1) == digit,
            )
        )
        yield from _pairs(query)


def _pairs(query: Select[str, str]) -> Iterator[tuple[str, str]]:
    yield from map(tuple, db.session.execute(query.limit(MOST_SURE)))


def _joined(pairs: Iterator[tuple[str, str]]) -> list[list[str]]:
    """Groups of all who are joined by pairs."""
    groups: dict[str, list[str]] = {}
    for first, second in pairs:
        one, other = groups.setdefault(first, [first]), groups.setdefault(second, [second])
        if one is not other and len(one) + len(other) <= MOST_MERGED:
            one.extend(other)
            groups.update(dict.fromkeys(other, one))
    distinct = {id(group): group for group in groups.values() if len(group) > 1}
    return list(distinct.values())[:MOST_SURE]


def _names(instance: Instance, reached: str, limit: int) -> Sequence[str]:
    """The next names, folded, that several contacts have."""
    query = select(Contact.sort_key).where(
        Contact.instance_id == instance.id,
        Contact.sort_key > reached,
        Contact.sort_key < _NAMELESS,
    )
    query = query.group_by(Contact.sort_key).having(func.count() > 1)
    return db.session.scalars(query.order_by(Contact.sort_key).limit(limit)).all()


def _named(instance: Instance, names: Sequence[str]) -> list[list[str]]:
    """The first contacts of each of these names."""
    first = select(Contact.id).where(Contact.instance_id == instance.id).limit(MOST_MERGED)
    by_name = [first.where(Contact.sort_key == name).order_by(Contact.id) for name in names]
    return [list(db.session.scalars(query)) for query in by_name]


def _groups(instance: Instance, found: Sequence[tuple[Likeness, list[str]]]) -> list[Group]:
    ids = list(dict.fromkeys(one for _, group in found for one in group))
    people: list[Any] = []
    for first in range(0, len(ids), 500):
        query = select(Contact).where(Contact.id.in_(ids[first : first + 500]))
        people += db.session.scalars(query)
    lines = {line.person.id: line for line in contact_lists.lines_of(instance, people)}
    return [
        Group(likeness, [lines[one] for one in group if one in lines]) for likeness, group in found
    ]


def _reached(cursor: str | None) -> str:
    if cursor is None:
        return ""
    name, mark = place_of(cursor)
    if mark != "name":
        raise Invalid(N_("There is no such page."), field="cursor", code="bad_cursor")
    return name
