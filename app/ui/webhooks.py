"""Webhooks: all that a person has, those of one instance, and the form of each."""

from __future__ import annotations

from flask import flash, request, url_for
from flask_babel import gettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.core.errors import AppError
from app.models import Endpoint
from app.services import breaker, instances, webhook_health, webhooks
from app.transaction import transaction
from app.ui.answers import page, question, see_other
from app.ui.blueprint import bp
from app.ui.forms import show_error
from app.ui.instances import owned
from app.ui.webhook_form import WebhookForm, webhook_form


@bp.get("/ui/webhooks")
@login_required
def list_webhooks() -> Response:
    """Every webhook of who is signed in."""
    endpoints = webhooks.all_of(current_user)
    healths = webhook_health.health_of_each(endpoints)
    return page("webhooks/list.html", endpoints=endpoints, healths=healths)


@bp.get("/ui/instances/<instance_id>/webhooks")
@login_required
def instance_webhooks(instance_id: str) -> Response:
    """The webhooks that are told of one instance's events."""
    instance = owned(instance_id)
    endpoints = webhooks.all_of(current_user, instance)
    return page(
        "webhooks/of_instance.html",
        instance=instance,
        endpoints=endpoints,
        healths=webhook_health.health_of_each(endpoints),
    )


@bp.get("/ui/webhooks/new")
@login_required
def new_webhook() -> Response:
    """The form for a new webhook; `instance` in the address is chosen already."""
    chosen = {"instance_id": request.args.get("instance", "")}
    return _form_page(WebhookForm(formdata=None, data=chosen), None)


@bp.post("/ui/webhooks/new")
@login_required
def create_webhook() -> Response:
    """Makes the webhook, for one instance or for all."""
    form = WebhookForm()
    form.offer(instances.all_of(current_user))
    try:
        wish = form.wish()
        with transaction():
            chosen = form.instance_id.data
            instance = owned(chosen) if chosen else None
            webhooks.create(current_user, instance, wish, actor=current_user)
    except AppError as error:
        return _refused(form, error, None)
    flash(gettext("The webhook is set up."))
    return see_other(url_for("ui.list_webhooks"))


@bp.get("/ui/webhooks/<webhook_id>/edit")
@login_required
def edit_webhook(webhook_id: str) -> Response:
    """The form with the webhook's settings."""
    endpoint = webhooks.get_for(current_user, webhook_id)
    return _form_page(webhook_form(endpoint), endpoint)


@bp.post("/ui/webhooks/<webhook_id>/edit")
@login_required
def change_webhook(webhook_id: str) -> Response:
    """Saves the settings."""
    endpoint = webhooks.get_for(current_user, webhook_id)
    form = WebhookForm()
    form.instance_id.data = endpoint.instance_id or ""  # which stays as it is
    form.offer(instances.all_of(current_user))
    try:
        wish = form.wish()
        with transaction():
            endpoint = webhooks.get_for(current_user, webhook_id)
            webhooks.change(endpoint, wish, actor=current_user)
    except AppError as error:
        return _refused(form, error, webhooks.get_for(current_user, webhook_id))
    flash(gettext("Changes saved."))
    return see_other(url_for("ui.list_webhooks"))


@bp.post("/ui/webhooks/<webhook_id>/forget-former-secret")
@login_required
def forget_former_secret(webhook_id: str) -> Response:
    """Ends the time in which the secret before this one counts, too."""
    with transaction():
        endpoint = webhooks.get_for(current_user, webhook_id)
        webhooks.forget_former_secret(endpoint, actor=current_user)
    flash(gettext("The former secret counts no more."))
    return see_other(url_for("ui.edit_webhook", webhook_id=webhook_id))


@bp.post("/ui/webhooks/<webhook_id>/probe")
@login_required
def probe_webhook(webhook_id: str) -> Response:
    """Tries a paused webhook at once."""
    with transaction():
        breaker.try_now(webhooks.get_for(current_user, webhook_id))
    flash(gettext("The webhook is being tried."))
    return see_other(url_for("ui.list_webhooks"))


@bp.get("/ui/webhooks/<webhook_id>/delete")
@login_required
def confirm_webhook_deletion(webhook_id: str) -> Response:
    """Asks before a webhook is deleted."""
    endpoint = webhooks.get_for(current_user, webhook_id)
    return question("webhooks/_delete.html", "webhooks/delete.html", endpoint=endpoint)


@bp.post("/ui/webhooks/<webhook_id>/delete")
@login_required
def delete_webhook(webhook_id: str) -> Response:
    """Deletes the webhook with its log and what is still due to it."""
    with transaction():
        webhooks.delete(webhooks.get_for(current_user, webhook_id), actor=current_user)
    flash(gettext("The webhook was deleted."))
    return see_other(url_for("ui.list_webhooks"))


def _refused(form: WebhookForm, error: AppError, endpoint: Endpoint | None) -> Response:
    show_error(form, error)
    for field in form.wrong_fields[:1]:
        field.render_kw = {**(field.render_kw or {}), "autofocus": True}
    return _form_page(form, endpoint, error.status)


def _form_page(form: WebhookForm, endpoint: Endpoint | None, status: int = 200) -> Response:
    form.offer(instances.all_of(current_user))
    return page("webhooks/edit.html", status=status, form=form, endpoint=endpoint)
