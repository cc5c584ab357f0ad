"""Deleting an instance: the question, as a page or in the dialog, and the act."""

from __future__ import annotations

from flask import flash, make_response, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.core.errors import Invalid
from app.core.states import InstanceState
from app.i18n import words_of
from app.models import Instance
from app.services import deletions, sessions
from app.transaction import transaction
from app.ui.answers import question, see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.instances import owned

IN_LIST = "list"
"""`from` of a question that was asked in the list, where its answer leaves the person."""


@bp.get("/ui/instances/<instance_id>/delete")
@login_required
def confirm_deletion(instance_id: str) -> Response:
    """Asks, and names what would be lost."""
    return _question(owned(instance_id))


@bp.post("/ui/instances/<instance_id>/delete")
@login_required
def delete_instance(instance_id: str) -> Response:
    """Deletes the instance with everything in it."""
    instance = owned(instance_id)
    name, log_out = instance.name, "log_out" in request.form
    try:
        with transaction():
            deletions.check_name(instance, request.form.get("name", ""))
            deletions.delete(instance, actor=current_user, log_out=log_out)
    except Invalid as error:
        return _question(owned(instance_id), error=words_of(error))
    return _gone(gettext("The instance “%(name)s” was deleted.", name=name))


def _question(instance: Instance, error: str = "") -> Response:
    return question(
        "instances/_delete.html",
        "instances/delete.html",
        status=422 if error else 200,
        instance=instance,
        loss=deletions.loss_of(instance),
        is_linked=sessions.linked_account(instance) is not None,
        is_connected=instance.instance_state is InstanceState.CONNECTED,
        came_from=request.values.get("from"),
        error=error,
    )


def _gone(sentence: str) -> Response:
    """Tells it where the question was asked: the list stays and brings itself up to date."""
    if wants_fragment() and request.form.get("from") == IN_LIST:
        response = make_response(render_template("instances/_deleted.html", sentence=sentence))
        response.headers["HX-Trigger-After-Swap"] = "answered, instances-changed"
        return response
    flash(sentence)
    if not wants_fragment():
        return see_other(url_for("ui.list_instances"))
    response = make_response("")
    response.headers["HX-Redirect"] = url_for("ui.list_instances")
    return response
