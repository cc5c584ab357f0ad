"""What the WhatsApp of an account knows of people: asked for, and written by the session's host
in small pieces, each in a transaction of its own that carries the lease's epoch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import delete, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.ids import new_id
from app.extensions import db
from app.models import Instance, LinkedAccount, WhatsAppContact
from app.models.contact import NAME_LENGTH
from app.services import naming
from app.transaction import rows_changed

FACTS = ("book_name", "push_name", "business_name")


class Person(Protocol):
    """Somebody the engine knows; see app/engine/contacts.py."""

    @property
    def phone(self) -> str | None: ...
    @property
    def lid(self) -> str | None: ...
    @property
    def book_name(self) -> str: ...
    @property
    def push_name(self) -> str: ...
    @property
    def business_name(self) -> str: ...


def ask(instance: Instance) -> None:
    """Wants WhatsApp's contacts read anew: the session's host does it at once, or as soon as it
    is connected."""
    instance.contacts_wanted_at = utcnow()
    bell.wake(instance.id)


def write(account: LinkedAccount, people: Sequence[Person]) -> None:
    """Brings the copies of `people` up to date; the account's own entry is left out."""
    own = {account.phone, account.lid} - {None}
    people = [one for one in people if one.phone not in own and one.lid not in own]
    phones, lids = [one.phone for one in people], [one.lid for one in people]
    ours = WhatsAppContact.account_id == account.id
    known = naming.find_people(WhatsAppContact, ours, phones, lids)
    by_address = naming.by_address(known)
    changed = [row for one in people if (row := _write_one(account, one, by_address))]
    if changed:
        naming.rename_chats(account.instance_id, changed)
        bell.changed(topics.contacts(account.instance_id))


def forget_others(
    account: LinkedAccount, people: Collection[tuple[str | None, str | None]], *, behind: str
) -> str | None:
    """Removes the next of those that are not among `people` (number, LID) any more, from behind
    the id `behind` on; the id to go on from, None at the end."""
    query = select(WhatsAppContact).where(
        WhatsAppContact.account_id == account.id, WhatsAppContact.id > behind
    )
    query = query.order_by(WhatsAppContact.id).limit(naming.PEOPLE_AT_ONCE)
    rows = list(db.session.scalars(query))
    gone = [row for row in rows if (row.phone, row.lid) not in people]
    if gone:
        ids = [row.id for row in gone]
        db.session.execute(delete(WhatsAppContact).where(WhatsAppContact.id.in_(ids)))
        naming.rename_chats(account.instance_id, gone)
        bell.changed(topics.contacts(account.instance_id))
    return rows[-1].id if len(rows) == naming.PEOPLE_AT_ONCE else None


def finish(account: LinkedAccount, *, began_at: datetime) -> None:
    """All were read that there were at `began_at`; what was asked for later is still due."""
    account.contacts_read_at = utcnow()
    rows_changed(
        update(Instance)
        .where(Instance.id == account.instance_id, Instance.contacts_wanted_at <= began_at)
        .values(contacts_wanted_at=None)
    )


def _write_one(
    account: LinkedAccount, person: Person, known: dict[str, WhatsAppContact]
) -> WhatsAppContact | None:
    """The row of `person`, if it is new or there is news."""
    row = known.get(f"+{person.phone}") if person.phone else None
    other = known.get(person.lid) if person.lid else None
    if row is None:
        row, other = other, None
    if other is not None and other is not row:  # number and LID turn out to be one person's
        _remove(other, known)
    facts: dict[str, str | None] = {fact: _fitting(getattr(person, fact)) for fact in FACTS}
    facts |= {"phone": person.phone, "lid": person.lid}
    if row is None:
        now = utcnow()
        row = WhatsAppContact(id=new_id("wac", now), account_id=account.id, created_at=now, **facts)
        db.session.add(row)
    elif all(getattr(row, name) == value for name, value in facts.items()):
        return None
    for name, value in facts.items():
        setattr(row, name, value)
    row.index()
    known.update(naming.by_address([row]))
    return row


def _remove(row: WhatsAppContact, known: dict[str, WhatsAppContact]) -> None:
    """At once: its number or LID is about to be another row's."""
    for address in [address for address, one in known.items() if one is row]:
        del known[address]
    db.session.delete(row)
    db.session.flush()


def _fitting(name: str) -> str:
    """`name` as it can be stored."""
    return name.replace("\0", "").strip()[:NAME_LENGTH]


def keys_of(people: Iterable[Person]) -> set[tuple[str | None, str | None]]:
    """Numbers and LIDs of `people`, for forget_others."""
    return {(one.phone, one.lid) for one in people}
