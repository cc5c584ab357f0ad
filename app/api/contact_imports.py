"""Imports: WhatsApp's contacts, or those of a file, copied into the database."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Literal

from flask import request
from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, checked_form, takes_form_too
from app.api.contacts import PATH, TAGS
from app.api.identity import caller
from app.core.contact_tables import FIELDS
from app.core.events import iso
from app.i18n import words
from app.security.uploads import bring_contacts
from app.services import contact_files, contact_imports, file_rows, instances
from app.services.file_rows import Plan
from app.transaction import transaction

MOST_ROWS = 100
"""Refused rows that an answer names."""
_ONE = f"{PATH}/imports/<import_id>"


class RefusedRow(Answer):
    """A row of a file that is no contact."""

    row: int = Field(description="As spreadsheets count, from 1; of a vCard file the card.")
    code: str = Field(description="What is wrong with it.")
    detail: str
    name: str
    phone: str


class FileOfContacts(Body):
    """How the file is written; what is left out is found out. Columns count from 1."""

    encoding: Literal["utf-8", "utf-16-le", "utf-16-be", "windows-1251"] | None = None
    delimiter: Literal[";", ",", "\t"] | None = None
    head: bool | None = None
    name_column: int | None = Field(default=None, ge=1, le=10_000)
    phone_column: int | None = Field(default=None, ge=1, le=10_000)
    tags_column: int | None = Field(default=None, ge=1, le=10_000)
    note_column: int | None = Field(default=None, ge=1, le=10_000)


class ContactImport(Answer):
    """An import, and how far it is."""

    id: str
    state: Literal["reading", "copying", "done", "cancelled", "failed"] = Field(
        description="reading: WhatsApp's contacts are brought up to date, or the rows of the file "
        "counted. failed: the file was lost."
    )
    file_name: str | None = Field(description="Null where the contacts are WhatsApp's.")
    total: int = Field(description="How many there are to copy; 0 while they are read.")
    imported: int = Field(description="New ones and those with changes.")
    added: int
    updated: int
    unchanged: int
    refused: int = Field(description="Rows of the file that are no contacts.")
    refused_rows: list[RefusedRow] = Field(description="The first 100 of them.")
    created_at: Moment
    finished_at: Moment | None


def import_file(instance_id: str) -> ContactImport:
    """The same for a form with a file."""
    instance_id = instances.get_for(caller(), instance_id).id
    form = checked_form(FileOfContacts)
    how = {"encoding": form.encoding, "delimiter": form.delimiter, "head": form.head}

    def use(key: str, name: str, plan: Plan) -> models.ContactImport:
        row = contact_files.add(instances.get_for(caller(), instance_id), key, name, plan)
        plan = contact_files.plan_of(row, **how)
        said = {one: getattr(form, f"{one}_column") for one in FIELDS}
        columns = {one: place - 1 for one, place in said.items() if place}
        contact_files.start(row, replace(plan, columns=columns or plan.columns), actor=caller())
        return row

    return _shown(bring_contacts(request.files.get("file"), use))


@bp.post(f"{PATH}/imports")
@bp.output(ContactImport, status_code=202, description="The import, which goes on by itself.")
@takes_form_too(import_file)
@bp.doc(operation_id="importContacts", summary="Import contacts", tags=TAGS)
def import_contacts(instance_id: str) -> ContactImport:
    """Import contacts

    Copies WhatsApp's contacts into the database, in the background. While an import runs it answers
    with that one. Repeating it imports nothing twice. With multipart/form-data and the part file, a
    CSV or a vCard, it imports that; encoding, delimiter, head, nameColumn, phoneColumn, tagsColumn
    and noteColumn say how it is written where that is not found out rightly. Answers 409
    import_running while another import runs.
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


def _row_shown(row: models.RefusedRow) -> RefusedRow:
    message, params = file_rows.PROBLEMS[row.problem]
    detail = words(message, params)
    return RefusedRow(row=row.row, code=row.problem, detail=detail, name=row.name, phone=row.phone)


def _shown(job: models.ContactImport) -> ContactImport:
    refused = islice(contact_files.refused_rows(job), MOST_ROWS)
    return ContactImport.model_validate(
        {
            "id": job.id,
            "state": job.state,
            "fileName": job.file_name if job.is_of_file else None,
            "total": job.total,
            "imported": job.imported,
            "added": job.added,
            "updated": job.updated,
            "unchanged": job.unchanged,
            "refused": job.refused,
            "refusedRows": [_row_shown(row) for row in refused],
            "createdAt": iso(job.created_at),
            "finishedAt": iso(job.finished_at) if job.finished_at else None,
        }
    )
