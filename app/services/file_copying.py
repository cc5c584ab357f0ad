"""The rows of a file copied into the contacts, in batches, each in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy import update

from app import bell, topics
from app.clock import utcnow
from app.config import current_settings
from app.core.ids import new_id
from app.core.naming import fold
from app.extensions import db
from app.models import Contact, ContactImport, Instance, RefusedRow, WhatsAppContact
from app.models.contact_import import RUNNING, ImportState
from app.services import contact_imports, fresh_contacts, naming
from app.services.contacts import MOST_TAGS, contacts_of
from app.services.file_rows import Entry, Judged, Plan, entries_of, judged
from app.services.fresh_contacts import FreshContact
from app.services.whatsapp_contacts import FACTS
from app.storage import storage_of
from app.transaction import alone, hold, rows_changed

BATCH = 500
MOST_REFUSALS = 10_000
"""Rows that were refused are kept, to be corrected, up to this many."""
_KEPT_CHARACTERS = 5_000

Known = Contact | FreshContact


class Reader:
    """The rows of an import's file, in order, judged; from where the import stands on.

    Nothing of it is done within a transaction: reading and judging take most of the time.
    """

    def __init__(self, row: ContactImport, *, country: str) -> None:
        self._key, self._plan = str(row.storage_key), Plan(**(row.plan or {}))
        self._country = country
        self._rows: Iterator[Entry] = iter(())
        self._at = -1

    def count(self) -> int:
        """How many rows there are. Raises FileMissing, StorageUnreachable."""
        return sum(1 for _ in self._opened())

    def take(self, position: int) -> list[Judged]:
        """The next rows from `position` on. Raises FileMissing, StorageUnreachable."""
        if self._at < 0 or position < self._at:
            self._rows, self._at = self._opened(), 0
        for _ in islice(self._rows, position - self._at):
            pass
        rows = list(islice(self._rows, BATCH))
        self._at = position + len(rows)
        return [judged(entry, country=self._country) for entry in rows]

    def _opened(self) -> Iterator[Entry]:
        storage = storage_of(current_settings())
        return entries_of(lambda: storage.open(self._key), self._plan)


def begin(import_id: str, total: int) -> None:
    """The rows are counted: copying begins."""
    begun = {"state": ImportState.COPYING, "total": total, "touched_at": utcnow()}
    counting = update(ContactImport).where(
        ContactImport.id == import_id, ContactImport.state == ImportState.READING
    )
    if rows_changed(counting.values(**begun)) == 1:
        row = db.session.get_one(ContactImport, import_id)
        bell.changed(topics.contacts(row.instance_id))


def fail(import_id: str) -> None:
    """The file is not there any more: the import ends as it stands."""
    over = {"state": ImportState.FAILED, "finished_at": utcnow(), "storage_key": None}
    running = update(ContactImport).where(
        ContactImport.id == import_id, ContactImport.state.in_(RUNNING)
    )
    if rows_changed(running.values(**over)) == 1:
        row = db.session.get_one(ContactImport, import_id)
        bell.changed(topics.contacts(row.instance_id))


def copy(import_id: str, position: int, rows: list[Judged]) -> bool:
    """Copies `rows`, which stand in the file from `position` on, if the import stands there;
    whether there may be more. Several who call this take turns, and each row counts once."""
    row = db.session.get(ContactImport, import_id)
    if row is None:
        return False
    hold(row)
    if row.state != ImportState.COPYING:
        return False
    alone(contacts_of(row.instance_id))
    if row.position != position:
        return True
    _refuse(row, rows)
    _keep(row, [one for one in rows if not one.problem])
    row.position, row.touched_at = position + len(rows), utcnow()
    if len(rows) < BATCH:
        contact_imports.finish(row)
    bell.changed(topics.contacts(row.instance_id))
    return row.is_running


def _refuse(row: ContactImport, rows: list[Judged]) -> None:
    for place, one in enumerate(rows, row.position):
        if not one.problem:
            continue
        if row.refused < MOST_REFUSALS:
            said = ("name", "phone", "tags", "note")
            cells = {name: getattr(one.entry, name)[:_KEPT_CHARACTERS] for name in said}
            facts = {"import_id": row.id, "position": place, "row": one.entry.row}
            db.session.add(RefusedRow(problem=one.problem, **facts, **cells))
        row.refused += 1


def _keep(row: ContactImport, rows: list[Judged]) -> None:
    """Adds those of `rows` that are new, and what is new of the others, and counts."""
    phones = {one.phone for one in rows}
    ours = Contact.instance_id == row.instance_id
    people = naming.by_address(naming.find_people(Contact, ours, phones, []))
    known: dict[str, Known] = {
        phone: people[f"+{phone}"] for phone in phones if f"+{phone}" in people
    }
    theirs = _known_to_whatsapp(row, phones - known.keys())
    changed: list[Known] = []
    new: list[FreshContact] = []
    for one in rows:
        contact = known.get(one.phone)
        if contact is None:
            known[one.phone] = contact = _new(row, one, theirs.get(one.phone))
            new.append(contact)
            row.added += 1
        elif _take_over(contact, one, is_first=_is_first(row, contact, one)):
            contact.updated_at = utcnow()
            row.updated += 1
        else:
            _mark(row, contact, one)
            row.unchanged += 1
            continue
        _mark(row, contact, one)
        contact.index()
        changed.append(contact)
    fresh_contacts.store(new)
    naming.rename_chats(row.instance_id, changed)


def _is_first(row: ContactImport, contact: Known, one: Judged) -> bool:
    """Whether it is the contact's own first row. One of another of its numbers is none: names of
    contacts that were merged do not come back."""
    return contact.phone == one.phone and contact.file_import_id != row.id


def _mark(row: ContactImport, contact: Known, one: Judged) -> None:
    if contact.phone == one.phone:
        contact.file_import_id = row.id


def _known_to_whatsapp(
    row: ContactImport, phones: Iterable[str | None]
) -> dict[str | None, WhatsAppContact]:
    """What the linked account knows of people who are no contacts here yet, by number."""
    account_id = db.session.get_one(Instance, row.instance_id).account_id
    within = WhatsAppContact.account_id == account_id
    return {one.phone: one for one in naming.find_people(WhatsAppContact, within, set(phones), [])}


def _new(row: ContactImport, one: Judged, known: WhatsAppContact | None) -> FreshContact:
    now = utcnow()
    return FreshContact(
        id=new_id("con", now),
        instance_id=row.instance_id,
        phone=one.phone,
        lid=known.lid if known and _is_free(row, known.lid) else None,
        name=one.name,
        note=one.note,
        tags=one.tags,
        created_at=now,
        updated_at=now,
        **{fact: getattr(known, fact) for fact in FACTS if known},
    )


def _is_free(row: ContactImport, lid: str | None) -> bool:
    ours = Contact.instance_id == row.instance_id
    with db.session.no_autoflush:
        return lid is not None and not naming.find_people(Contact, ours, [], [lid])


def _take_over(contact: Known, one: Judged, *, is_first: bool) -> bool:
    """Whether the row says something new. The first row of a number in a file goes before what is
    kept; a later one only fills what is empty, so that the same file again changes nothing. Tags
    come to those that there are, as far as there is room."""
    name, note, tags = contact.name, contact.note, list(contact.tags or [])
    if one.name and one.name != contact.shown_name and (is_first or not name):
        name = one.name
    if one.note and (is_first or not note):
        note = one.note
    tags += [tag for tag in one.tags if fold(tag) not in set(map(fold, tags))]
    tags = tags[:MOST_TAGS] if len(tags) > MOST_TAGS else tags
    if (name, note, tags) == (contact.name, contact.note, contact.tags or []):
        return False
    contact.name, contact.note, contact.tags = name, note, tags
    return True
