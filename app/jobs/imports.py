"""Copies WhatsApp's contacts into the database."""

from __future__ import annotations

from app import bell
from app.clock import utcnow
from app.services import contact_imports
from app.transaction import again_when_beaten, transaction


def run(import_id: str) -> None:
    """The job: goes on with an import from where it stands, to its end. One that is killed is
    taken up again by the sweep."""
    bell.started(contact_imports.JOB, import_id)
    while copy_batch(import_id):
        pass


@again_when_beaten
def copy_batch(import_id: str) -> bool:
    """One batch, in one transaction; whether there may be more."""
    with transaction():
        return contact_imports.copy_batch(import_id)


def sweep() -> None:
    """Rings for imports that do not get on; run by the clock."""
    waiting = contact_imports.stalled(utcnow())
    if not waiting:
        return
    with transaction():
        for import_id in waiting:
            contact_imports.take_up(import_id)
