"""Contacts out of a file: chosen, looked at, imported; and the rows that were refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import request, url_for
from flask_babel import gettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.core.contact_tables import DELIMITERS, ENCODINGS, FIELDS
from app.core.errors import AppError, Conflict, Invalid
from app.i18n import words, words_of
from app.models import ContactImport, Instance, RefusedRow
from app.security.uploads import bring_contacts as brought
from app.services import contact_exports, contact_files, contact_imports, file_rows
from app.services.contact_lists import Source
from app.services.file_rows import Judged, Plan
from app.services.uploads import FileTooLarge
from app.transaction import transaction
from app.ui.answers import page, respond, see_other
from app.ui.blueprint import bp
from app.ui.contact_export import file_of
from app.ui.contact_form import ContactsFileForm
from app.ui.forms import show_error
from app.ui.instances import owned

_FILES = "/ui/instances/<instance_id>/contacts/files"
_FILE = f"{_FILES}/<import_id>"


@bp.get(_FILES)
@login_required
def choose_contacts(instance_id: str) -> Response:
    """The form that takes a file."""
    form = ContactsFileForm(formdata=None)
    return page("contacts/file.html", instance=owned(instance_id), form=form)


@bp.post(_FILES)
@login_required
def bring_contacts(instance_id: str) -> Response:
    """Keeps the file, and goes on to what is in it."""
    owned(instance_id)

    def use(key: str, name: str, plan: Plan) -> ContactImport:
        return contact_files.add(owned(instance_id), key, name, plan)

    try:
        row = brought(request.files.get("file"), use)
    except (Invalid, FileTooLarge) as error:
        form = ContactsFileForm(formdata=None)
        show_error(form, error, field="file")
        context = {"instance": owned(instance_id), "form": form}
        return page("contacts/file.html", status=error.status, **context)
    return see_other(url_for("ui.show_contacts_file", instance_id=instance_id, import_id=row.id))


@bp.get(_FILE)
@login_required
def show_contacts_file(instance_id: str, import_id: str) -> Response:
    """The first rows, and which column is what. With encoding, delimiter or head in the address the
    file is read so."""
    instance = owned(instance_id)
    row = contact_files.draft_for(instance, import_id)
    context = _context(instance, row, contact_files.plan_of(row, **_wished(request.args)))
    if "HX-Request" not in request.headers:
        return page("contacts/mapping.html", **context)
    return respond("contacts/_mapping.html", page=request.full_path, **context)


@bp.post(_FILE)
@login_required
def start_contacts_file(instance_id: str, import_id: str) -> Response:
    """Begins the import, read as the form says."""
    instance = owned(instance_id)
    row = contact_files.draft_for(instance, import_id)
    plan = contact_files.plan_of(row, **_wished(request.form))
    if plan.kind == file_rows.CSV:
        plan = Plan(plan.kind, plan.encoding, plan.delimiter, plan.head, _columns())
    try:
        with transaction():
            contact_files.start(
                contact_files.draft_for(instance, import_id), plan, actor=current_user
            )
    except (Invalid, Conflict) as error:
        return _again(instance_id, import_id, plan, error)
    at = url_for("ui.show_contacts", instance_id=instance_id, source=Source.DATABASE.value)
    return see_other(at)


@bp.post(f"{_FILE}/discard")
@login_required
def discard_contacts_file(instance_id: str, import_id: str) -> Response:
    """Forgets a file that was brought."""
    instance = owned(instance_id)
    with transaction():
        contact_files.discard(contact_files.draft_for(instance, import_id))
    return see_other(url_for("ui.show_contacts", instance_id=instance_id))


@bp.get(f"{_FILE}/refused.csv")
@login_required
def refused_contacts(instance_id: str, import_id: str) -> Response:
    """The rows that were refused and why, in the reader's language: to correct and bring again."""
    row = contact_imports.get_for(owned(instance_id), import_id)
    heads = [gettext("Row"), gettext("What is wrong"), gettext("Name"), gettext("Number")]
    heads += [gettext("Tags"), gettext("Note")]
    pieces = _refused(row, heads)
    return file_of(pieces, "text/csv", "csv", name="contacts-refused")


def _refused(row: ContactImport, heads: list[str]) -> Iterator[str]:
    yield contact_exports.BYTE_ORDER_MARK + contact_exports.csv_row(heads)
    for one in contact_files.refused_rows(row):
        cells = [str(one.row), _problem_of(one), one.name, one.phone, one.tags, one.note]
        yield contact_exports.csv_row(cells)


def _problem_of(row: RefusedRow | Judged) -> str:
    """What is wrong with a row."""
    message, params = file_rows.PROBLEMS.get(row.problem, (Invalid.message, {}))
    return words(message, params)


def _again(instance_id: str, import_id: str, plan: Plan, error: AppError) -> Response:
    instance = owned(instance_id)
    row = contact_files.draft_for(instance, import_id)
    context = _context(instance, row, plan) | {"problem": words_of(error)}
    return page("contacts/mapping.html", status=error.status, **context)


def _context(instance: Instance, row: ContactImport, plan: Plan) -> dict[str, Any]:
    return {
        "instance": instance,
        "row": row,
        "plan": plan,
        "preview": contact_files.preview_of(row, plan),
        "encodings": ENCODINGS,
        "delimiters": DELIMITERS,
        "fields_there": FIELDS,
        "problem_of": _problem_of,
        "problem": "",
    }


def _wished(given: Any) -> dict[str, Any]:
    """What the reader says of how the file is written."""
    wished: dict[str, Any] = {}
    if given.get("encoding") in ENCODINGS:
        wished["encoding"] = given["encoding"]
    if given.get("delimiter") in DELIMITERS:
        wished["delimiter"] = given["delimiter"]
    if "shown" in given:  # an unchecked box says nothing of itself
        wished["head"] = "head" in given
    return wished


def _columns() -> dict[str, int]:
    """Which column was chosen for which field. Of one that was chosen twice the first counts."""
    chosen: dict[str, int] = {}
    for field in FIELDS:
        place = request.form.get(f"column_{field}", "")
        if place.isdecimal() and len(place) < 5:
            chosen[field] = int(place)
    return chosen
