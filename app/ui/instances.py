"""The list of instances; making, changing and deleting one."""

from __future__ import annotations

from typing import Any

from flask import flash, url_for
from flask_babel import gettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app import topics
from app.core.errors import AppError
from app.models import Instance
from app.services import instances, webhooks
from app.transaction import transaction
from app.ui.answers import page, respond, see_other
from app.ui.blueprint import bp
from app.ui.forms import InstanceForm, headers_of, instance_form, show_error
from app.ui.polling import BRISK, person_id, polled


def _topics() -> list[str]:
    return [topics.instances_of(person_id())]


def owned(instance_id: str) -> Instance:
    """The instance, if it belongs to who is signed in. Raises NotFound otherwise."""
    return instances.get_for(current_user, instance_id)


@bp.get("/ui/instances")
@polled(_topics)
@login_required
def list_instances() -> Response:
    """All instances of the person, each with its live state."""
    return page("instances/list.html", **_list_context())


@bp.get("/ui/instances/list")
@polled(_topics)
@login_required
def instances_list() -> Response:
    """The list alone, for its poll."""
    return respond("instances/_list.html", page=url_for("ui.list_instances"), **_list_context())


@bp.get("/ui/instances/new")
@login_required
def new_instance() -> Response:
    """The form for a new instance."""
    return page("instances/new.html", form=InstanceForm())


@bp.post("/ui/instances/new")
@login_required
def create_instance() -> Response:
    """Makes the instance and goes to its page, where linking a phone starts."""
    form = InstanceForm()
    try:
        form.check()
        with transaction():
            instance = instances.create(
                owner=current_user,
                name=form.name.data or "",
                description=form.description.data or "",
            )
            _save_webhook(instance, form)
    except AppError as error:
        show_error(form, error)
        return page("instances/new.html", status=error.status, form=form)
    return see_other(url_for("ui.show_instance", instance_id=instance.id))


@bp.get("/ui/instances/<instance_id>/edit")
@login_required
def edit_instance(instance_id: str) -> Response:
    """The form with the instance's settings."""
    instance = owned(instance_id)
    form = instance_form(instance, webhooks.endpoint_of(instance))
    return page("instances/edit.html", instance=instance, form=form)


@bp.post("/ui/instances/<instance_id>/edit")
@login_required
def change_instance(instance_id: str) -> Response:
    """Saves the settings; the session goes on undisturbed."""
    instance = owned(instance_id)
    form = InstanceForm()
    try:
        form.check()
        with transaction():
            instances.change(
                instance,
                actor=current_user,
                name=form.name.data or "",
                description=form.description.data or "",
            )
            _save_webhook(instance, form)
    except AppError as error:
        show_error(form, error)
        return page("instances/edit.html", status=error.status, instance=instance, form=form)
    flash(gettext("Changes saved."))
    return see_other(url_for("ui.show_instance", instance_id=instance_id))


@bp.get("/ui/instances/<instance_id>/delete")
@login_required
def confirm_deletion(instance_id: str) -> Response:
    """Asks, and names what would be lost."""
    instance = owned(instance_id)
    return page("instances/delete.html", instance=instance, lost=instances.contents_of(instance))


@bp.post("/ui/instances/<instance_id>/delete")
@login_required
def delete_instance(instance_id: str) -> Response:
    """Deletes the instance with everything in it."""
    instance = owned(instance_id)
    name = instance.name
    with transaction():
        instances.delete(instance, actor=current_user)
    flash(gettext("The instance “%(name)s” was deleted.", name=name))
    return see_other(url_for("ui.list_instances"))


def _save_webhook(instance: Instance, form: InstanceForm) -> None:
    """Sets the instance's webhook as the form says; an empty address removes it."""
    url = (form.webhook_url.data or "").strip()
    endpoint = webhooks.endpoint_of(instance)
    if not url:
        if endpoint is not None:
            webhooks.delete(endpoint, actor=current_user)
        return
    webhooks.save_endpoint(
        instance,
        url=url,
        actor=current_user,
        events=form.events.data,
        secret=(form.webhook_secret.data or "").strip() or None,
        headers=headers_of(form.headers.data or ""),
        max_retries=form.max_retries.data,
        retry_interval_ms=form.retry_interval.data * 1000,
    )


def _list_context() -> dict[str, Any]:
    return {"summaries": instances.summaries_of(current_user), "poll_every": BRISK}
