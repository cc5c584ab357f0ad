"""Imports: WhatsApp's contacts copied into the database."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Moment
from app.api.contacts import PATH, TAGS
from app.api.identity import caller
from app.core.events import iso
from app.services import contact_imports, instances
from app.transaction import transaction

_ONE = f"{PATH}/imports/<import_id>"


class ContactImport(Answer):
    """An import, and how far it is."""

    id: str
    state: Literal["reading", "copying", "done", "cancelled"] = Field(
        description="reading: WhatsApp's contacts are brought up to date first."
    )
    total: int = Field(description="How many there are to copy; 0 while they are read.")
    imported: int = Field(description="New ones and those with changes.")
    added: int
    updated: int
    unchanged: int
    created_at: Moment
    finished_at: Moment | None


@bp.post(f"{PATH}/imports")
@bp.output(ContactImport, status_code=202, description="The import, which goes on by itself.")
@bp.doc(operation_id="importContacts", summary="Import WhatsApp's contacts", tags=TAGS)
def import_contacts(instance_id: str) -> ContactImport:
    """Import WhatsApp's contacts

    Copies them into the database, in the background. While an import runs it answers with that
    one. Repeating it imports nothing twice.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        job = contact_imports.start(instance, actor=caller())
    return _shown(job)


@bp.get(_ONE)
@bp.output(ContactImport, description="The import as it is now.")
@bp.doc(operation_id="getContactImport", summary="Show an import", tags=TAGS)
def show_contact_import(instance_id: str, import_id: str) -> ContactImport:
    """Show an import"""
    return _shown(contact_imports.get_for(instances.get_for(caller(), instance_id), import_id))


@bp.post(f"{_ONE}/cancel")
@bp.output(ContactImport, description="The import, cancelled.")
@bp.doc(operation_id="cancelContactImport", summary="Cancel an import", tags=TAGS)
def cancel_contact_import(instance_id: str, import_id: str) -> ContactImport:
    """Cancel an import

    What was copied stays. Answers 409 not_running when it is over already.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        job = contact_imports.get_for(instance, import_id)
        contact_imports.cancel(job)
    return _shown(job)


def _shown(job: models.ContactImport) -> ContactImport:
    return ContactImport.model_validate(
        {
            "id": job.id,
            "state": job.state,
            "total": job.total,
            "imported": job.imported,
            "added": job.added,
            "updated": job.updated,
            "unchanged": job.unchanged,
            "createdAt": iso(job.created_at),
            "finishedAt": iso(job.finished_at) if job.finished_at else None,
        }
    )
