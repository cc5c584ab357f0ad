"""The page of one instance: its state, and what brings it to life."""

from __future__ import annotations

from flask import current_app, g, request, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app import bell, topics
from app.core.states import InstanceState
from app.models import Instance
from app.models.pairing import QR
from app.services import activity, pairings, sessions, webhooks
from app.transaction import transaction
from app.ui.answers import page, respond, see_other
from app.ui.blueprint import bp
from app.ui.instances import owned
from app.ui.polling import CALM, is_unchanged, polled, unchanged, version_of
from app.ui.state_panel import panel_of

ASKED_EVERY = 5
"""Seconds: a shown code is noted as looked at this often, which keeps its attempt alive."""


def _topics(instance_id: str) -> list[str]:
    return [topics.instance(instance_id)]


@bp.get("/ui/instances/<instance_id>")
@polled(_topics)
@login_required
def show_instance(instance_id: str) -> Response:
    """Everything about the instance."""
    instance = owned(instance_id)
    return page(
        "instances/show.html",
        instance=instance,
        panel=panel_of(instance),
        endpoint=webhooks.endpoint_of(instance),
        journal=activity.latest(instance),
        journal_every=CALM,
    )


@bp.get("/ui/instances/<instance_id>/state")
@polled(_topics)
@login_required
def instance_state(instance_id: str) -> Response:
    """The state panel alone, for its poll."""
    return _panel(owned(instance_id))


@bp.get("/ui/instances/<instance_id>/journal")
@polled(_topics)
@login_required
def instance_journal(instance_id: str) -> Response:
    """The newest lines of the journal, for their poll."""
    instance = owned(instance_id)
    return respond(
        "instances/_journal.html",
        page=_page_of(instance),
        instance=instance,
        journal=activity.latest(instance),
        journal_every=CALM,
    )


@bp.post("/ui/instances/<instance_id>/pairing")
@login_required
def start_pairing(instance_id: str) -> Response:
    """Starts an attempt to link a phone, or joins the one that runs; the form may ask for a way:
    a code for the number in `phone`, or `method=qr`."""
    instance = owned(instance_id)
    with transaction():
        if "phone" in request.form:
            country = current_app.config["SETTINGS"].default_country
            pairings.start_by_phone_code(
                instance, phone=request.form["phone"], country=country, actor=current_user
            )
        elif request.form.get("method") == QR:
            pairings.start_by_qr(instance, actor=current_user)
        else:
            pairings.start(instance, actor=current_user)
    return fresh_panel(instance_id)


@bp.get("/ui/instances/<instance_id>/pairing")
def show_pairing(instance_id: str) -> Response:
    """The panel while a code is shown. Its poll tells that somebody still looks."""
    g.version = version_of(*_topics(instance_id))
    looks = bell.once_in(ASKED_EVERY, f"asked:{instance_id}")
    if is_unchanged(g.version) and not looks:
        return unchanged()
    return _note_look(instance_id)


@login_required
def _note_look(instance_id: str) -> Response:
    instance = owned(instance_id)
    if instance.instance_state is InstanceState.PAIRING:
        with transaction():
            pairings.asked(instance)
    if is_unchanged(g.version):
        return unchanged()
    return _panel(instance)


@bp.post("/ui/instances/<instance_id>/reconnect")
@login_required
def reconnect(instance_id: str) -> Response:
    """Opens the session again, or brings a new code where no phone is linked."""
    instance = owned(instance_id)
    with transaction():
        sessions.reconnect(instance, actor=current_user)
    return fresh_panel(instance_id)


@bp.post("/ui/instances/<instance_id>/retry")
@login_required
def retry_connection(instance_id: str) -> Response:
    """Tries to connect now instead of at the planned time."""
    instance = owned(instance_id)
    with transaction():
        sessions.retry_now(instance)
    return fresh_panel(instance_id)


@bp.get("/ui/instances/<instance_id>/log-out")
@login_required
def confirm_log_out(instance_id: str) -> Response:
    """Asks, and says what logging out means."""
    return page("instances/log_out.html", instance=owned(instance_id))


@bp.post("/ui/instances/<instance_id>/log-out")
@login_required
def log_out(instance_id: str) -> Response:
    """Unlinks the phone."""
    instance = owned(instance_id)
    with transaction():
        sessions.log_out(instance, actor=current_user)
    return see_other(_page_of(instance))


def fresh_panel(instance_id: str) -> Response:
    """The panel after an act, with a version that this very act has moved."""
    g.version = version_of(*_topics(instance_id))
    return _panel(owned(instance_id))


def _panel(instance: Instance) -> Response:
    return respond("instances/_state.html", page=_page_of(instance), panel=panel_of(instance))


def _page_of(instance: Instance) -> str:
    return url_for("ui.show_instance", instance_id=instance.id)
