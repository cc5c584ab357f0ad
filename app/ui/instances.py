"""Making and changing an instance."""

from __future__ import annotations

from typing import Any

from flask import flash, url_for
from flask_babel import gettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.config import current_settings
from app.core.errors import AppError
from app.core.presence import Presence
from app.core.proxies import Proxy
from app.core.reading import ReadReceipts
from app.models import Endpoint, Instance
from app.services import conduct, instances, proxies, webhooks
from app.transaction import transaction
from app.ui.answers import page, see_other
from app.ui.blueprint import bp
from app.ui.forms import InstanceForm, headers_of, instance_form, show_errors
from app.ui.instance_checks import checks


def owned(instance_id: str) -> Instance:
    """The instance, if it belongs to who is signed in. Raises NotFound otherwise."""
    return instances.get_for(current_user, instance_id)


@bp.get("/ui/instances/new")
@login_required
def new_instance() -> Response:
    """The form for a new instance."""
    return page("instances/new.html", form=InstanceForm(), **_hints(None))


@bp.post("/ui/instances/new")
@login_required
def create_instance() -> Response:
    """Makes the instance and goes to its page, where linking a phone starts."""
    form = InstanceForm()
    try:
        form.check()
        proxy = _tested_proxy(form, None)
        with transaction():
            instance = instances.create(
                owner=current_user,
                name=form.name.data or "",
                description=form.description.data or "",
            )
            _save_webhook(instance, form)
            _save_connection(instance, form, proxy)
    except AppError as error:
        show_errors(form, error, checks(form, None))
        form.focus_first_wrong()
        return page("instances/new.html", status=error.status, form=form, **_hints(None))
    return see_other(url_for("ui.show_instance", instance_id=instance.id))


@bp.get("/ui/instances/<instance_id>/edit")
@login_required
def edit_instance(instance_id: str) -> Response:
    """The form with the instance's settings."""
    instance = owned(instance_id)
    form = instance_form(instance, webhooks.endpoint_of(instance))
    return _edit_page(instance, form)


@bp.post("/ui/instances/<instance_id>/edit")
@login_required
def change_instance(instance_id: str) -> Response:
    """Saves the settings; the session goes on undisturbed."""
    instance = owned(instance_id)
    form = InstanceForm()
    try:
        form.check()
        proxy = _tested_proxy(form, instance)
        with transaction():
            instances.change(
                instance,
                actor=current_user,
                name=form.name.data or "",
                description=form.description.data or "",
            )
            _save_webhook(instance, form)
            _save_connection(instance, form, proxy)
    except AppError as error:
        show_errors(form, error, checks(form, instance))
        form.focus_first_wrong()
        return _edit_page(instance, form, error.status)
    flash(gettext("Changes saved."))
    return see_other(url_for("ui.show_instance", instance_id=instance_id))


def _edit_page(instance: Instance, form: InstanceForm, status: int = 200) -> Response:
    endpoint = webhooks.endpoint_of(instance)
    return page(
        "instances/edit.html", status=status, instance=instance, form=form, **_hints(endpoint)
    )


def _hints(endpoint: Endpoint | None) -> dict[str, Any]:
    """What the form says beside its fields, besides their values."""
    return {"usual_gap": current_settings().send_gap_ms / 1000, "endpoint": endpoint}


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


def _tested_proxy(form: InstanceForm, instance: Instance | None) -> Proxy | None:
    """The proxy that the form asks for, tried before the transaction. Raises Invalid."""
    saved = instance.proxy if instance else None
    return proxies.tested(form.given_proxy, saved, anyway=form.proxy_anyway.data)


def _save_connection(instance: Instance, form: InstanceForm, proxy: Proxy | None) -> None:
    proxies.save(instance, proxy, actor=current_user)
    instances.show_presence(instance, Presence(form.presence.data), actor=current_user)
    conduct.set_pace(instance, form.send_gap_seconds.data, actor=current_user)
    conduct.tell_read(instance, ReadReceipts(form.read_receipts.data), actor=current_user)
    conduct.reject_calls(instance, form.reject_calls.data, actor=current_user)
