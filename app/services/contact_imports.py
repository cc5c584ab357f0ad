"""Imports: WhatsApp's contacts copied into the database, in batches, each in one transaction. What
imports of files have of their own is in contact_files.py and file_copying.py."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from app import bell, topics
from app.clock import utcnow
from app.config import current_settings
from app.core.errors import Conflict, NotFound
from app.core.events import Event, iso
from app.core.ids import new_id
from app.core.states import InstanceState
from app.core.texts import N_
from app.extensions import db
from app.models import (
    Contact,
    ContactImport,
    ContactNumber,
    Instance,
    LinkedAccount,
    User,
    WhatsAppContact,
)
from app.models.contact_import import RUNNING, ImportState
from app.services import activity, chats, naming, outbox, whatsapp_contacts
from app.services.contacts import contacts_of
from app.services.whatsapp_contacts import FACTS
from app.storage import storage_of
from app.transaction import after_commit, alone, hold, rows_changed

QUEUE, JOB = "imports", "app.jobs.imports.run"
BATCH = 200
READ_PATIENCE = timedelta(seconds=20)
"""What the session's host has to bring WhatsApp's contacts up to date; then the import takes what
is there."""
STALLED = timedelta(seconds=10)
"""An import that got no further for this long is taken up again: its job was lost or killed."""


def start(instance: Instance, *, actor: User | None = None) -> ContactImport:
    """The import that runs now, a new one if none does. Raises Conflict while no phone was ever
    linked."""
    account = chats.account_of(instance)
    running = _running(instance)
    if running is not None:
        return running
    now = utcnow()
    row = ContactImport(
        id=new_id("imp", now),
        instance_id=instance.id,
        account_id=account.id,
        state=ImportState.READING,
        cursor="",
        total=0,
        added=0,
        updated=0,
        unchanged=0,
        refused=0,
        position=0,
        created_at=now,
        touched_at=now,
    )
    db.session.add(row)
    db.session.flush()
    activity.record("contacts:import:started", instance=instance, actor=actor)
    bell.changed(topics.contacts(instance.id))
    if instance.instance_state is InstanceState.CONNECTED:
        whatsapp_contacts.ask(instance)
    else:
        _begin_copying(row)
    return row


def get_for(instance: Instance, import_id: str) -> ContactImport:
    """The import, if it is the instance's. Raises NotFound otherwise."""
    row = db.session.get(ContactImport, import_id)
    is_draft = row is not None and row.state == ImportState.DRAFT
    if row is None or is_draft or row.instance_id != instance.id:
        raise NotFound(N_("There is no such import."), code="import_not_found")
    return row


def latest(instance: Instance) -> ContactImport | None:
    """The import that runs, or the last one that was begun."""
    query = select(ContactImport).where(
        ContactImport.instance_id == instance.id, ContactImport.state != ImportState.DRAFT
    )
    newest = ContactImport.touched_at.desc(), ContactImport.id.desc()
    return db.session.scalar(query.order_by(*newest).limit(1))


def cancel(row: ContactImport) -> None:
    """Ends the import; what was copied stays. Raises Conflict when it is over already."""
    over = {"state": ImportState.CANCELLED, "finished_at": utcnow()}
    running = update(ContactImport).where(
        ContactImport.id == row.id, ContactImport.state.in_(RUNNING)
    )
    if rows_changed(running.values(**over)) != 1:
        raise Conflict(N_("This import is over already."), code="not_running")
    db.session.refresh(row)
    drop_file(row)
    bell.changed(topics.contacts(row.instance_id))


def drop_file(row: ContactImport) -> None:
    """The import's file is not needed any more; its bytes go once this is committed."""
    key, row.storage_key = row.storage_key, None
    if key is not None:
        storage = storage_of(current_settings())
        after_commit(lambda: storage.delete(key), key=("file", key))


def go_on(account: LinkedAccount) -> None:
    """WhatsApp's contacts are up to date: imports that waited for them begin to copy."""
    query = select(ContactImport).where(
        ContactImport.account_id == account.id, ContactImport.state == ImportState.READING
    )
    for row in db.session.scalars(query):
        _begin_copying(row)


def copy_batch(import_id: str) -> bool:
    """Copies the next contacts; whether there may be more. Several who call this at once take
    turns, and each contact is copied and counted once."""
    row = db.session.get(ContactImport, import_id)
    if row is None:
        return False
    hold(row)
    if row.state != ImportState.COPYING:
        return False
    alone(contacts_of(row.instance_id))
    query = select(WhatsAppContact).where(
        WhatsAppContact.account_id == row.account_id, WhatsAppContact.id > row.cursor
    )
    people = list(db.session.scalars(query.order_by(WhatsAppContact.id).limit(BATCH)))
    _copy(row, people)
    row.touched_at = utcnow()
    if people:
        row.cursor = people[-1].id
    if len(people) < BATCH:
        finish(row)
    bell.changed(topics.contacts(row.instance_id))
    return row.state == ImportState.COPYING


def stalled(now: datetime) -> list[str]:
    """The ids of imports that do not get on."""
    connected = Instance.state == InstanceState.CONNECTED
    of_file = ContactImport.account_id.is_(None)
    reading = (ContactImport.state == ImportState.READING) & ~of_file
    copying = ContactImport.state == ImportState.COPYING
    at_work = copying | (of_file & (ContactImport.state == ImportState.READING))
    query = (
        select(ContactImport.id)
        .join(Instance, Instance.id == ContactImport.instance_id)
        .where(
            (reading & ~connected)
            | (reading & (ContactImport.touched_at <= now - READ_PATIENCE))
            | (at_work & (ContactImport.touched_at <= now - STALLED))
        )
    )
    return list(db.session.scalars(query))


def take_up(import_id: str) -> None:
    """Rings for an import that did not get on."""
    row = db.session.get(ContactImport, import_id)
    if row is None or not row.is_running:
        return
    if row.state == ImportState.READING and not row.is_of_file:
        _begin_copying(row)
    else:
        bell.enqueue_once(QUEUE, JOB, row.id)


def _running(instance: Instance) -> ContactImport | None:
    query = select(ContactImport).where(
        ContactImport.instance_id == instance.id, ContactImport.state.in_(RUNNING)
    )
    return db.session.scalar(query)


def _begin_copying(row: ContactImport) -> None:
    there = select(func.count()).where(WhatsAppContact.account_id == row.account_id)
    begun = {
        "state": ImportState.COPYING,
        "total": db.session.scalar(there) or 0,
        "touched_at": utcnow(),
    }
    waiting = update(ContactImport).where(
        ContactImport.id == row.id, ContactImport.state == ImportState.READING
    )
    if rows_changed(waiting.values(**begun)) == 1:
        db.session.refresh(row)
        bell.changed(topics.contacts(row.instance_id))
        bell.enqueue_once(QUEUE, JOB, row.id)


def _copy(row: ContactImport, people: list[WhatsAppContact]) -> None:
    """Adds `people` to the instance's contacts, or what is new about them, and counts."""
    phones, lids = [one.phone for one in people], [one.lid for one in people]
    ours = Contact.instance_id == row.instance_id
    known = naming.by_address(naming.find_people(Contact, ours, phones, lids))
    changed = []
    for person in people:
        contact = known.get(f"+{person.phone}") or known.get(person.lid or "")
        if contact is None:
            contact = _new(row, person)
            row.added += 1
        elif _take_over(contact, person, known):
            row.updated += 1
        else:
            row.unchanged += 1
            continue
        contact.index()
        known.update(naming.by_address([contact]))
        changed.append(contact)
    naming.rename_chats(row.instance_id, changed)


def _new(row: ContactImport, person: WhatsAppContact) -> Contact:
    now = utcnow()
    contact = Contact(
        id=new_id("con", now),
        instance_id=row.instance_id,
        name="",
        note="",
        tags=[],
        created_at=now,
        updated_at=now,
        **{name: getattr(person, name) for name in ("phone", "lid", *FACTS)},
    )
    db.session.add(contact)
    return contact


def _take_over(contact: Contact, person: WhatsAppContact, known: dict[str, Contact]) -> bool:
    """Whether WhatsApp had news of the contact. The name that was given here is left alone."""
    number = _other_number(contact, person)
    if number is not None:
        return _take_over_number(number, person, known)
    _own_lid(contact, person.lid)
    other = known.get(person.lid or "")
    joined = other is not None and other is not contact
    if other is not None and joined:
        _give_up_lid(other, str(person.lid), contact, known)
    facts = {fact: getattr(person, fact) for fact in FACTS}
    facts |= {"phone": person.phone or contact.phone, "lid": person.lid or contact.lid}
    if not joined and all(getattr(contact, name) == value for name, value in facts.items()):
        return False
    for name, value in facts.items():
        setattr(contact, name, value)
    contact.updated_at = utcnow()
    return True


def _other_number(contact: Contact, person: WhatsAppContact) -> ContactNumber | None:
    """Which of the contact's other numbers the person is; None where it is the main one."""
    by_phone = [one for one in contact.numbers if person.phone and one.phone == person.phone]
    if by_phone or (person.phone and contact.phone == person.phone):
        return by_phone[0] if by_phone else None
    by_lid = [one for one in contact.numbers if person.lid and one.lid == person.lid]
    return by_lid[0] if by_lid and contact.lid != person.lid else None


def _take_over_number(
    number: ContactNumber, person: WhatsAppContact, known: dict[str, Contact]
) -> bool:
    """Whether WhatsApp had news of a number that a contact has besides its main one."""
    said = {
        "phone": person.phone or number.phone,
        "lid": number.lid if person.lid in known else person.lid or number.lid,
        "known_as": next(filter(None, person.names), ""),
    }
    if all(getattr(number, name) == value for name, value in said.items()):
        return False
    for name, value in said.items():
        setattr(number, name, value)
    return True


def _own_lid(contact: Contact, lid: str | None) -> None:
    """One of the other numbers had the LID that turns out to be another number's."""
    for one in contact.numbers:
        if lid is not None and one.lid == lid:
            one.lid = None
            db.session.flush()


def _give_up_lid(other: Contact, lid: str, to: Contact, known: dict[str, Contact]) -> None:
    """WhatsApp says that the LID is the person's whom we have by number. A contact without a
    number was the same person; one with another number only loses the LID."""
    known.pop(lid, None)
    _own_lid(other, lid)
    if other.lid != lid:
        return
    if other.phone is None and not other.numbers:
        to.name, to.note = to.name or other.name, to.note or other.note
        to.tags = to.tags or other.tags
        db.session.delete(other)
    else:
        other.lid = None
    db.session.flush()


def finish(row: ContactImport) -> None:
    """All is copied: written down, and told to the webhooks."""
    drop_file(row)
    row.state, row.finished_at = ImportState.DONE, utcnow()
    instance = db.session.get_one(Instance, row.instance_id)
    activity.record("contacts:import:finished", instance=instance, count=row.imported)
    data = {
        "importId": row.id,
        "imported": row.imported,
        "added": row.added,
        "updated": row.updated,
        "unchanged": row.unchanged,
        "timestamp": iso(row.finished_at),
    }
    outbox.emit(row.instance_id, Event.CONTACTS_IMPORTED, data)
