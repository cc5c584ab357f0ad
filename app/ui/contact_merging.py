"""Contacts that are likely one person: found, looked at, merged into one."""

from __future__ import annotations

from typing import Any

from flask import flash, request, url_for
from flask_babel import gettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.core.errors import Conflict, Invalid, NotFound
from app.i18n import words_of
from app.services import contact_duplicates, contact_merging
from app.services.contact_lists import Source
from app.services.contact_merging import MOST_MERGED
from app.transaction import again_when_beaten, transaction
from app.ui.answers import page, see_other
from app.ui.blueprint import bp
from app.ui.instances import owned

_CONTACTS = "/ui/instances/<instance_id>/contacts"


@bp.get(f"{_CONTACTS}/duplicates")
@login_required
def find_duplicates(instance_id: str) -> Response:
    """Who may be in the database more than once, and why we think so."""
    instance = owned(instance_id)
    found = contact_duplicates.page_of(instance, cursor=request.args.get("after") or None)
    return page("contacts/duplicates.html", instance=instance, found=found)


@bp.get(f"{_CONTACTS}/merge")
@login_required
def propose_merging(instance_id: str) -> Response:
    """What the chosen contacts would become together: name and main number can be chosen."""
    instance = owned(instance_id)
    try:
        proposal = contact_merging.proposal_of(instance, _picked(request.args))
    except (Invalid, NotFound) as error:
        flash(words_of(error))
        return _back(instance_id)
    typed = {"tags": ", ".join(proposal.tags), "note": proposal.note, "names": True}
    typed["name"] = proposal.names[0] if proposal.names else ""
    typed["keep"] = proposal.keeps[0].id
    return page("contacts/merge.html", instance=instance, proposal=proposal, typed=typed)


@bp.post(f"{_CONTACTS}/merge")
@login_required
def merge_contacts(instance_id: str) -> Response:
    """Merges them as the form says."""
    owned(instance_id)
    try:
        name = _merged(instance_id)
    except Invalid as error:
        return _again(instance_id, error)
    except (NotFound, Conflict) as error:
        flash(words_of(error))
        return _back(instance_id)
    flash(gettext("The contacts are one now: %(name)s.", name=name))
    return _back(instance_id)


@again_when_beaten
def _merged(instance_id: str) -> str:
    form = request.form
    with transaction():
        contact = contact_merging.merge(
            owned(instance_id),
            _picked(form),
            keep=form.get("keep", ""),
            name=form.get("name", ""),
            tags=form.get("tags", "").split(","),
            note=form.get("note", ""),
            keep_names="names" in form,
            actor=current_user,
        )
        return contact.shown_name


def _again(instance_id: str, error: Invalid) -> Response:
    instance, form = owned(instance_id), request.form
    try:
        proposal = contact_merging.proposal_of(instance, _picked(form))
    except (Invalid, NotFound) as other:
        flash(words_of(other))
        return _back(instance_id)
    typed: dict[str, Any] = {one: form.get(one, "") for one in ("keep", "name", "tags", "note")}
    typed |= {"names": "names" in form, "problem": words_of(error)}
    context = {"instance": instance, "proposal": proposal, "typed": typed}
    return page("contacts/merge.html", status=error.status, **context)


def _picked(given: Any) -> list[str]:
    picked: list[str] = given.getlist("contact")
    return picked[: MOST_MERGED + 1]


def _back(instance_id: str) -> Response:
    source = Source.DATABASE.value
    return see_other(url_for("ui.show_contacts", instance_id=instance_id, source=source))
