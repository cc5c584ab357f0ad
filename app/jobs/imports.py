"""Copies WhatsApp's contacts, or those of a file, into the database."""

from __future__ import annotations

import time

import structlog

from app import bell
from app.clock import utcnow
from app.config import current_settings
from app.extensions import db
from app.models import ContactImport
from app.models.contact_import import ImportState
from app.services import contact_files, contact_imports, file_copying
from app.services.file_copying import Reader
from app.services.file_rows import Judged
from app.storage import FileMissing, StorageUnreachable
from app.transaction import again_when_beaten, transaction

log = structlog.get_logger(__name__)

_TURN_SECONDS = 60.0
"""A large file lets other imports have the worker in between."""


def run(import_id: str) -> None:
    """The job: goes on with an import from where it stands, to its end. One that is killed is
    taken up again by the sweep."""
    bell.started(contact_imports.JOB, import_id)
    row = db.session.get(ContactImport, import_id)
    if row is not None and row.is_of_file:
        _run_file(row)
        return
    while copy_batch(import_id):
        pass


@again_when_beaten
def copy_batch(import_id: str) -> bool:
    """One batch, in one transaction; whether there may be more."""
    with transaction():
        return contact_imports.copy_batch(import_id)


def sweep() -> None:
    """Rings for imports that do not get on, and forgets files nobody decided about; run by the
    clock."""
    if contact_files.old_drafts(utcnow()):
        with transaction():
            for row in contact_files.old_drafts(utcnow()):
                contact_files.discard(row)
    waiting = contact_imports.stalled(utcnow())
    if not waiting:
        return
    with transaction():
        for import_id in waiting:
            contact_imports.take_up(import_id)


def _run_file(row: ContactImport) -> None:
    import_id, until = row.id, time.monotonic() + _TURN_SECONDS
    if not row.is_running:
        return
    reader = Reader(row, country=current_settings().default_country)
    try:
        if row.state == ImportState.READING:
            _begin(import_id, reader.count())
        while copy_rows(import_id, reader):
            if time.monotonic() > until:
                _queue_again(import_id)
                return
    except FileMissing:
        log.warning("import.file_missing", import_id=import_id)
        _fail(import_id)
    except StorageUnreachable as error:  # the sweep tries again
        log.warning("import.storage_unreachable", import_id=import_id, error=str(error.__cause__))


def copy_rows(import_id: str, reader: Reader) -> bool:
    """The next rows of a file; whether there may be more."""
    db.session.rollback()
    row = db.session.get(ContactImport, import_id)
    if row is None or row.state != ImportState.COPYING:
        return False
    position = row.position
    db.session.rollback()
    return _copy(import_id, position, reader.take(position))


@again_when_beaten
def _copy(import_id: str, position: int, rows: list[Judged]) -> bool:
    with transaction():
        return file_copying.copy(import_id, position, rows)


def _begin(import_id: str, total: int) -> None:
    db.session.rollback()
    with transaction():
        file_copying.begin(import_id, total)


def _fail(import_id: str) -> None:
    with transaction():
        file_copying.fail(import_id)


def _queue_again(import_id: str) -> None:
    with transaction():
        contact_imports.take_up(import_id)
