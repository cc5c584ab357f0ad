"""What is done to many contacts at once. A plain form: it works without scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import flash, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.config import current_settings
from app.core.errors import Conflict, Invalid
from app.i18n import words_of
from app.models import Instance
from app.models.contact_task import TaskAct
from app.services import contact_exports, contact_selection, contact_tasks
from app.services.contact_lists import Source
from app.services.contact_merging import MOST_MERGED
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
    """Tags, untags, deletes (after a question), exports or merges (after a look) the chosen
    contacts; more of them than one request can wait for in the background."""
    instance = owned(instance_id)
    act, given = request.form.get("act", ""), request.form.get("tag", "")
    try:
        ids = _chosen(instance)
        count = _count(instance) if "all" in request.form else len(ids)
        if act == "merge":
            several = ids[: MOST_MERGED + 1]
            return see_other(
                url_for("ui.propose_merging", instance_id=instance_id, contact=several)
            )
        if act == "export":
            return _exported(instance, ids, count)
        if act == "delete" and "sure" not in request.form:
            context: dict[str, Any] = {"text": _text(), "count": count, "chosen": _picked()}
            return page("contacts/delete_many.html", instance=instance, **context)
        if count > len(ids):
            _begin(instance_id, act, given)
        else:
            flash(_sentence(act, given, _done(instance_id, ids, _deed(act, given))))
    except (Invalid, Conflict) as error:
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
    with transaction():
        return act(owned(instance_id), ids)


def _begin(instance_id: str, act: str, given: str) -> None:
    """What is done to more than one request can wait for; the page shows how far it is."""
    with transaction():
        contact_tasks.start(
            owned(instance_id), TaskAct(act), tag=given, text=_text(), actor=current_user
        )


def _exported(instance: Instance, ids: list[str], count: int) -> Response:
    if count > len(ids):  # as a stream, and not out of a form's answer
        listed: dict[str, Any] = {"source": Source.DATABASE.value, "q": _text() or None}
        return see_other(url_for("ui.export_csv", instance_id=instance.id, **listed))
    return file_of(contact_exports.chosen_as_csv(instance, ids, heads_of()), "text/csv", "csv")


def _chosen(instance: Instance) -> list[str]:
    return contact_selection.chosen(
        instance,
        _picked(),
        all_found="all" in request.form,
        text=_text(),
        country=current_settings().default_country,
    )


def _count(instance: Instance) -> int:
    country = current_settings().default_country
    return contact_selection.count_of(instance, text=_text(), country=country)


def _picked() -> list[str]:
    return request.form.getlist("contact")[:BATCH]


def _text() -> str:
    return request.form.get("q", "").replace("\0", "").strip()[:TEXT_LENGTH]
