"""Files of contacts: brought, looked at, and imported row by row. The import is the same row as an
import of WhatsApp's contacts; the file goes with it, and leaves with its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import delete, select, update

from app import bell, topics
from app.clock import utcnow
from app.config import current_settings
from app.core.contact_tables import Row, utf16_of
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.media import MIB, clean_name
from app.core.sniffing import mime_of
from app.core.texts import N_
from app.extensions import db
from app.models import ContactImport, Instance, RefusedRow, User
from app.models.contact_import import RUNNING, ImportState
from app.services import activity, file_rows
from app.services.contact_imports import JOB, QUEUE, drop_file
from app.services.file_rows import Judged, Plan
from app.services.uploads import FileTooLarge
from app.storage import Draft, FileMissing, storage_of
from app.transaction import rows_changed

MOST_BYTES = 50 * MIB
PREVIEWED, MOST_COLUMNS = 5, 50
DRAFT_LASTS = timedelta(days=1)
"""A file that nobody decided about is forgotten."""
_NO_TABLES = ("image/", "video/", "audio/", "application/zip", "application/pdf", "application/vnd")


def keep(draft: Draft, name: str) -> tuple[str, str]:
    """The stored file's key, and its name. Raises Invalid (file) for what is no table and no vCard,
    FileTooLarge."""
    if not draft.size:
        raise Invalid(N_("The file is empty."), field="file", code="file_empty")
    if draft.size > MOST_BYTES:
        raise FileTooLarge(MOST_BYTES)
    mime, head = mime_of(draft.head), draft.head
    if mime.startswith(_NO_TABLES) or (b"\0" in head and not utf16_of(head)):
        message = N_("This is neither a CSV nor a vCard file. Save the table as CSV and try again.")
        raise Invalid(message, field="file", code="no_table")
    return draft.keep(), clean_name(name)


def guess(key: str) -> Plan:
    """How the stored file seems to be written. Raises NotFound, StorageUnreachable."""
    return file_rows.detected(lambda: _pieces(key))


def add(instance: Instance, key: str, name: str, plan: Plan) -> ContactImport:
    """The import of a stored file, not begun: how it is read is a guess yet."""
    now = utcnow()
    row = ContactImport(
        id=new_id("imp", now),
        instance_id=instance.id,
        account_id=None,
        state=ImportState.DRAFT,
        file_name=name,
        storage_key=key,
        plan=plan.stored,
        created_at=now,
        touched_at=now,
        **dict.fromkeys(("position", "total", "added", "updated", "unchanged", "refused"), 0),
        cursor="",
    )
    db.session.add(row)
    db.session.flush()
    return row


def draft_for(instance: Instance, import_id: str) -> ContactImport:
    """The file that was brought and not decided about. Raises NotFound."""
    row = db.session.get(ContactImport, import_id)
    if row is None or row.instance_id != instance.id or row.state != ImportState.DRAFT:
        raise NotFound(N_("This file is not here any more. Choose it again."), code="file_missing")
    return row


def plan_of(row: ContactImport, **wished: Any) -> Plan:
    """How the file is read: as it was guessed, or guessed anew with what is `wished`. Raises
    NotFound when the file is gone, StorageUnreachable."""
    if not any(one is not None for one in wished.values()):
        return Plan(**(row.plan or {}))
    key = str(row.storage_key)
    return file_rows.detected(lambda: _pieces(key), **wished)


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a file: its columns, as they are called or numbered, its rows as they stand
    there, and what would become of them."""

    heads: list[str]
    rows: list[Row]
    people: list[Judged]


def preview_of(row: ContactImport, plan: Plan) -> Preview:
    """What the first rows say, read so. Raises NotFound when the file is gone."""
    key, country = str(row.storage_key), current_settings().default_country
    entries = islice(file_rows.entries_of(lambda: _pieces(key), plan), PREVIEWED)
    people = [file_rows.judged(entry, country=country) for entry in entries]
    if plan.kind == file_rows.VCARD:
        return Preview([], [], people)
    rows = file_rows.sample_of(lambda: _pieces(key), plan)
    width = min(max((len(one.cells) for one in rows), default=0), MOST_COLUMNS)
    first = rows[0].cells if plan.head and rows else []
    heads = [first[n].strip()[:40] if n < len(first) else "" for n in range(width)]
    return Preview(heads, rows[plan.head : plan.head + PREVIEWED], people)


def start(row: ContactImport, plan: Plan, *, actor: User | None = None) -> None:
    """Begins the import of a draft. Raises Invalid (phone, encoding, delimiter, columns), Conflict
    while another import of the instance runs."""
    file_rows.checked(plan)
    running = select(ContactImport.id).where(
        ContactImport.instance_id == row.instance_id, ContactImport.state.in_(RUNNING)
    )
    if db.session.scalar(running) is not None:
        raise Conflict(N_("An import is running. Wait for its end."), code="import_running")
    now = utcnow()
    begun = {"state": ImportState.READING, "plan": plan.stored, "touched_at": now}
    draft = update(ContactImport).where(
        ContactImport.id == row.id, ContactImport.state == ImportState.DRAFT
    )
    if rows_changed(draft.values(**begun)) != 1:
        raise Conflict(N_("This import has begun already."), code="import_running")
    db.session.refresh(row)
    of_instance = select(ContactImport.id).where(ContactImport.instance_id == row.instance_id)
    db.session.execute(delete(RefusedRow).where(RefusedRow.import_id.in_(of_instance)))
    instance = db.session.get_one(Instance, row.instance_id)
    activity.record("contacts:import:started", instance=instance, actor=actor)
    bell.changed(topics.contacts(row.instance_id))
    bell.enqueue_once(QUEUE, JOB, row.id)


def discard(row: ContactImport) -> None:
    """Forgets a draft, with its file."""
    drop_file(row)
    db.session.delete(row)


def old_drafts(now: datetime) -> list[ContactImport]:
    """Files that nobody decided about for a day."""
    old = ContactImport.created_at < now - DRAFT_LASTS
    query = select(ContactImport).where(ContactImport.state == ImportState.DRAFT, old)
    return list(db.session.scalars(query.limit(100)))


def keys_in_use(keys: list[str]) -> set[str]:
    """Which of these files of the storage an import has yet to read."""
    query = select(ContactImport.storage_key).where(ContactImport.storage_key.in_(keys))
    return {key for key in db.session.scalars(query) if key}


def refused_rows(row: ContactImport) -> Iterator[RefusedRow]:
    """The rows that were refused, in the order of the file."""
    position = -1
    while True:
        query = select(RefusedRow).where(
            RefusedRow.import_id == row.id, RefusedRow.position > position
        )
        rows = list(db.session.scalars(query.order_by(RefusedRow.position).limit(500)))
        yield from rows
        if not rows:
            return
        position = rows[-1].position


def _pieces(key: str) -> Iterator[bytes]:
    try:
        return storage_of(current_settings()).open(key)
    except FileMissing:
        message = N_("This file is not here any more. Choose it again.")
        raise NotFound(message, code="file_missing") from None
