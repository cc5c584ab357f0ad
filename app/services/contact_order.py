"""Contacts by their last message: those with messages first, as their chats stand, then all others
by name. Both parts walk an index from a place on, so a page takes the same time however many there
are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, exists, func, literal, not_, or_, select, tuple_

from app.core.errors import Invalid
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Contact, ContactNumber, WhatsAppContact
from app.services import naming

Kind = type[Contact] | type[WhatsAppContact]
FEW = 1000
_TALKED, _SILENT = "1", "2"
"""How the keys of the two parts begin."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person stands in a list: what a page goes on behind."""

    id: str
    key: str
    mark: str  # tells those with the same key apart


def by_last_message(
    kind: Kind,
    account_id: str | None,
    conditions: Sequence[ColumnElement[bool]],
    reached: tuple[str, str],
    limit: int,
) -> list[Place]:
    """The next `limit` people of `kind` that meet the `conditions`, and one more if there is one,
    behind the key and mark that were `reached`. Raises Invalid (cursor)."""
    few = _few(kind, conditions) if len(conditions) > 1 else None
    if few is not None:
        return _of_few(kind, few, account_id, reached)[: limit + 1]
    found: list[Place] = []
    if not reached[0].startswith(_SILENT):
        found = _talked(kind, account_id, conditions, reached, limit + 1)
    if len(found) <= limit:
        begin = reached if reached[0].startswith(_SILENT) else ("", "")
        found += _silent(kind, account_id, conditions, begin, limit + 1 - len(found))
    return found


def _few(kind: Kind, conditions: Sequence[ColumnElement[bool]]) -> Sequence[Any] | None:
    """All that a search finds, where that is not much: then it is not the chats that are walked."""
    query: Any = select(kind.id, kind.phone, kind.lid, kind.sort_key).where(*conditions)
    rows = db.session.execute(query.limit(FEW + 1)).all()
    return rows if len(rows) <= FEW else None


def _others_of(kind: Kind, ids: Sequence[str]) -> dict[str, list[Any]]:
    """The other numbers and LIDs of those contacts that have some, by contact."""
    found: dict[str, list[Any]] = defaultdict(list)
    for first in range(0, len(ids) if kind is Contact else 0, naming.PEOPLE_AT_ONCE):
        part = ids[first : first + naming.PEOPLE_AT_ONCE]
        columns = ContactNumber.contact_id, ContactNumber.phone, ContactNumber.lid
        query = select(*columns).where(ContactNumber.contact_id.in_(part))
        for row in db.session.execute(query):
            found[row.contact_id].append(row)
    return found


def _newest(chats: dict[str, Chat], numbers: Sequence[Any]) -> Chat | None:
    """Of the chats with a person who has these numbers and LIDs the one with the last message."""
    theirs = [chat for one in numbers if (chat := naming.one_with(chats, one)) is not None]
    return max(theirs, key=lambda chat: (chat.last_at, chat.id), default=None)


def _of_few(
    kind: Kind, people: Sequence[Any], account_id: str | None, reached: tuple[str, str]
) -> list[Place]:
    ours = (Chat.account_id == account_id) & Chat.last_kind.is_not(None)
    others = _others_of(kind, [one.id for one in people])
    known = [*people, *chain.from_iterable(others.values())]
    phones, lids = [one.phone for one in known], [one.lid for one in known]
    chats = naming.by_address(naming.find_people(Chat, ours, phones, lids))
    talked, silent = [], []
    for one in people:
        if (chat := _newest(chats, [one, *others.get(one.id, ())])) is not None:
            talked.append(Place(one.id, f"{_TALKED}{chat.last_at.isoformat()}", chat.id))
        else:
            silent.append(Place(one.id, f"{_SILENT}{one.sort_key}", one.id))
    talked.sort(key=lambda one: (_moment(one.key), one.mark), reverse=True)
    silent.sort(key=lambda one: (one.key, one.mark))
    if reached[0].startswith(_SILENT):
        return [one for one in silent if (one.key, one.mark) > reached]
    if reached[0]:
        place = _moment(reached[0]), reached[1]
        talked = [one for one in talked if (_moment(one.key), one.mark) < place]
    return talked + silent


def _talked(
    kind: Kind,
    account_id: str | None,
    conditions: Sequence[ColumnElement[bool]],
    reached: tuple[str, str],
    limit: int,
) -> list[Place]:
    """The chats are walked, and each is asked for its person. A contact with several chats stands
    where the newest of them does."""
    found: list[Place] = []
    while True:
        wanted = limit - len(found)
        places = _walked(kind, account_id, conditions, reached, wanted)
        newest = _newest_of(kind, account_id, [one.id for one in places])
        found += [one for one in places if newest.get(one.id, one.mark) == one.mark]
        if len(places) < wanted or len(found) == limit:
            return found
        reached = places[-1].key, places[-1].mark


def _newest_of(kind: Kind, account_id: str | None, ids: Sequence[str]) -> dict[str, str]:
    """Of those contacts that have several numbers: the chat with the last message."""
    merged = list(_others_of(kind, ids))
    if not merged:
        return {}
    people = db.session.scalars(select(Contact).where(Contact.id.in_(merged))).all()
    ours = (Chat.account_id == account_id) & Chat.last_kind.is_not(None)
    chats = naming.by_address(naming.find_people(Chat, ours, *naming.addresses_of(people)))
    newest = {one.id: _newest(chats, [one, *one.numbers]) for one in people}
    return {contact_id: chat.id for contact_id, chat in newest.items() if chat is not None}


def _walked(
    kind: Kind,
    account_id: str | None,
    conditions: Sequence[ColumnElement[bool]],
    reached: tuple[str, str],
    limit: int,
) -> list[Place]:
    """The next chats with a person: whoever has the number, else the LID, else one of the two
    besides the main one."""
    ways = [
        select(kind.id).where(*conditions, kind.phone == Chat.phone),
        select(kind.id).where(*conditions, kind.lid == Chat.lid, _is_unnumbered(kind)),
    ]
    if kind is Contact:
        own = select(kind.id).join(ContactNumber, ContactNumber.contact_id == kind.id)
        ways += [own.where(*conditions, ContactNumber.phone == Chat.phone)]
        ways += [own.where(*conditions, ContactNumber.lid == Chat.lid)]
    person = func.coalesce(*(way.limit(1).scalar_subquery() for way in ways))
    query: Any = select(person.label("person"), Chat.last_at, Chat.id).where(
        Chat.account_id == account_id, Chat.last_kind.is_not(None), person.is_not(None)
    )
    if reached[0]:
        at = literal(_moment(reached[0]), Chat.last_at.type)
        query = query.where(tuple_(Chat.last_at, Chat.id) < tuple_(at, literal(reached[1])))
    query = query.order_by(Chat.last_at.desc(), Chat.id.desc()).limit(limit)
    rows = db.session.execute(query)
    return [Place(row.person, f"{_TALKED}{row.last_at.isoformat()}", row.id) for row in rows]


def _is_unnumbered(kind: Kind) -> ColumnElement[bool]:
    """A person with a number of their own is found by it alone where the chat has another."""
    return or_(kind.phone.is_(None), Chat.phone.is_(None), kind.phone == Chat.phone)


def _silent(
    kind: Kind,
    account_id: str | None,
    conditions: Sequence[ColumnElement[bool]],
    reached: tuple[str, str],
    limit: int,
) -> list[Place]:
    ours = (Chat.account_id == account_id, Chat.last_kind.is_not(None))
    by_number = exists().where(*ours, Chat.phone == kind.phone)
    by_lid = exists().where(*ours, Chat.lid == kind.lid, _is_unnumbered(kind))
    talked = [by_number, by_lid]
    if kind is Contact:
        own = ContactNumber.contact_id == kind.id
        talked.append(exists().where(*ours, own, Chat.phone == ContactNumber.phone))
        talked.append(exists().where(*ours, own, Chat.lid == ContactNumber.lid))
    query: Any = select(kind.id, kind.sort_key).where(*conditions, *map(not_, talked))
    if reached[0]:
        place = tuple_(kind.sort_key, kind.id)
        query = query.where(place > tuple_(reached[0].removeprefix(_SILENT), reached[1]))
    query = query.order_by(kind.sort_key, kind.id).limit(limit)
    rows = db.session.execute(query)
    return [Place(row.id, f"{_SILENT}{row.sort_key}", row.id) for row in rows]


def _moment(key: str) -> datetime:
    try:
        moment = datetime.fromisoformat(key.removeprefix(_TALKED))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid(N_("There is no such page."), field="cursor", code="bad_cursor")
    return moment
