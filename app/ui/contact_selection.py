"""What is done to many contacts at once. A plain form: it works without scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import flash, request, url_for
from flask_babel import gettext, ngettext
from flask_login import login_required
from werkzeug.wrappers import Response

from app.config import current_settings
from app.core.errors import Invalid
from app.i18n import words_of
from app.models import Instance
from app.services import contact_exports, contact_selection
from app.services.contact_lists import Source
from app.services.contact_selection import BATCH
from app.transaction import transaction
from app.ui.answers import page, see_other
from app.ui.blueprint import bp
from app.ui.contact_export import file_of, heads_of
from app.ui.contacts import TEXT_LENGTH
from app.ui.instances import owned

Act = Callable[[Instance, Sequence[str]], int]


@bp.post("/ui/instances/<instance_id>/contacts/selection")
@login_required
def act_on_contacts(instance_id: str) -> Response:
    """Tags, untags, deletes (after a question) or exports the chosen contacts."""
    instance = owned(instance_id)
    act, given = request.form.get("act", ""), request.form.get("tag", "")
    try:
        ids = _chosen(instance)
        if act == "export":
            return _exported(instance, ids)
        if act == "delete" and "sure" not in request.form:
            context: dict[str, Any] = {"text": _text(), "count": len(ids), "chosen": _picked()}
            return page("contacts/delete_many.html", instance=instance, **context)
        flash(_sentence(act, given, _done(instance_id, ids, _deed(act, given))))
    except Invalid as error:
        flash(words_of(error))
    arguments: dict[str, Any] = {"source": Source.DATABASE.value, "q": _text() or None}
    return see_other(url_for("ui.show_contacts", instance_id=instance_id, **arguments))


def _deed(act: str, given: str) -> Act:
    if act == "tag":
        return lambda instance, ids: contact_selection.tag(instance, ids, given)
    if act == "untag":
        return lambda instance, ids: contact_selection.untag(instance, ids, given)
    if act == "delete":
        return contact_selection.delete
    raise Invalid()


def _sentence(act: str, given: str, count: int) -> str:
    if act == "delete":
        return ngettext("%(num)s contact deleted.", "%(num)s contacts deleted.", count)
    if act == "tag":
        return gettext("The tag “%(tag)s” was added. Contacts: %(count)s.", tag=given, count=count)
    return gettext("The tag “%(tag)s” was taken off. Contacts: %(count)s.", tag=given, count=count)


def _done(instance_id: str, ids: list[str], act: Act) -> int:
    """How many were changed, some in each transaction: nobody else waits long for the database."""
    count = 0
    for first in range(0, len(ids), BATCH):
        with transaction():
            count += act(owned(instance_id), ids[first : first + BATCH])
    return count


def _exported(instance: Instance, ids: list[str]) -> Response:
    return file_of(contact_exports.chosen_as_csv(instance, ids, heads_of()), "text/csv", "csv")


def _chosen(instance: Instance) -> list[str]:
    return contact_selection.chosen(
        instance,
        _picked(),
        all_found="all" in request.form,
        text=_text(),
        country=current_settings().default_country,
    )


def _picked() -> list[str]:
    return request.form.getlist("contact")[:BATCH]


def _text() -> str:
    return request.form.get("q", "").replace("\0", "").strip()[:TEXT_LENGTH]
