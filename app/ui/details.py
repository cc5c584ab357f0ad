"""The page of one instance: its state, and what brings it to life."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, request, url_for
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app import bell, topics
from app.core.states import InstanceState
from app.models import Instance
from app.models.pairing import QR
from app.services import activity, consent, pairings, queue, sessions, webhooks
from app.services.overview import summary_of
from app.transaction import transaction
from app.ui.answers import page, question, respond, see_other
from app.ui.blueprint import bp
from app.ui.instances import owned
from app.ui.journal import RECENT
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
    about_version = version_of(*_about_topics(instance_id))
    recent_version = version_of(topics.journal(instance_id))
    instance = owned(instance_id)
    return page(
        "instances/show.html",
        about_version=about_version,
        recent_version=recent_version,
        panel=panel_of(instance, warn=_is_to_be_warned(instance)),
        recent=activity.latest(instance, limit=RECENT),
        recent_every=CALM,
        **_about(instance),
    )


@bp.get("/ui/instances/<instance_id>/state")
@polled(_topics)
@login_required
def instance_state(instance_id: str) -> Response:
    """The state panel alone, for its poll."""
    return _panel(owned(instance_id))


@bp.get("/ui/instances/<instance_id>/badge")
@polled(_topics)
@login_required
def instance_badge(instance_id: str) -> Response:
    """The state in a word, as it stands at the top of every page of the instance."""
    instance = owned(instance_id)
    return respond(
        "instances/_badge.html",
        page=_page_of(instance),
        instance=instance,
        badge_version=g.version,
    )


def _about_topics(instance_id: str) -> list[str]:
    return [topics.instance(instance_id), topics.chats(instance_id)]


@bp.get("/ui/instances/<instance_id>/about")
@polled(_about_topics)
@login_required
def instance_about(instance_id: str) -> Response:
    """The facts alone, for their poll."""
    instance = owned(instance_id)
    return respond(
        "instances/_about.html",
        page=_page_of(instance),
        about_version=g.version,
        **_about(instance),
    )


@bp.post("/ui/instances/<instance_id>/pairing")
@login_required
def start_pairing(instance_id: str) -> Response:
    """Starts an attempt to link a phone, or joins the one that runs; the form may ask for a way:
    a code for the number in `phone`, or `method=qr`."""
    instance = owned(instance_id)
    if not _knows_risks():
        return fresh_panel(instance_id, warn=True)
    with transaction():
        _remember_risks()
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
    if sessions.linked_account(instance) is None and not _knows_risks():
        return fresh_panel(instance_id, warn=True)
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
    """Asks, and says what logging out means: on a page, or in the dialog that htmx fills."""
    return question(
        "instances/_log_out.html", "instances/log_out.html", instance=owned(instance_id)
    )


@bp.post("/ui/instances/<instance_id>/log-out")
@login_required
def log_out(instance_id: str) -> Response:
    """Unlinks the phone."""
    instance = owned(instance_id)
    with transaction():
        sessions.log_out(instance, actor=current_user)
    return see_other(_page_of(instance))


def fresh_panel(instance_id: str, *, warn: bool = False) -> Response:
    """The panel after an act, with a version that this very act has moved. `warn`: it asks to
    confirm the risks instead."""
    g.version = version_of(*_topics(instance_id))
    return _panel(owned(instance_id), warn=warn)


def _knows_risks() -> bool:
    """Whether a phone may be linked: the person confirmed the risks, or does so with this very
    request. The test network bans nobody."""
    if current_app.config["SETTINGS"].sandbox or "understood" in request.form:
        return True
    return consent.understood(current_user)


def _remember_risks() -> None:
    if "understood" in request.form:
        consent.confirm(current_user)


def _panel(instance: Instance, *, warn: bool = False) -> Response:
    panel = panel_of(instance, warn=warn or _is_to_be_warned(instance))
    response = respond("instances/_state.html", page=_page_of(instance), panel=panel)
    response.headers["HX-Trigger"] = "instance-changed"  # the facts and the journal beside it
    return response


def _is_to_be_warned(instance: Instance) -> bool:
    """Whether linking would start by itself for somebody who did not confirm the risks."""
    return instance.instance_state is InstanceState.CREATED and not _knows_risks()


def _about(instance: Instance) -> dict[str, Any]:
    return {
        "instance": instance,
        "endpoint": webhooks.endpoint_of(instance),
        "summary": summary_of(instance),
        "queued": queue.count(instance),
        "about_every": CALM,
    }


def _page_of(instance: Instance) -> str:
    return url_for("ui.show_instance", instance_id=instance.id)
