"""The log of a webhook: what was sent, what came back, and sending it again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import flash, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.core.errors import Conflict
from app.core.events import Event
from app.i18n import words_of
from app.models import Endpoint
from app.models.webhook import DeliveryStatus
from app.services import delivery_log, webhooks
from app.services.delivery_log import Part, Wish
from app.transaction import transaction
from app.ui.answers import page, question, see_other
from app.ui.blueprint import bp

_LOG = "/ui/webhooks/<webhook_id>/log"


@dataclass(frozen=True, slots=True)
class View:
    """What the page shows of the log; it stands in the address."""

    endpoint: Endpoint
    wish: Wish
    behind: str | None
    part: Part

    def address(self, **changes: object) -> str:
        """The address of the log with `changes` to what it shows."""
        wanted = {"status": self.wish.status, "event": self.wish.event} | changes
        given: dict[str, Any] = {name: value for name, value in wanted.items() if value}
        return url_for("ui.show_webhook_log", webhook_id=self.endpoint.id, **given)


@bp.get(_LOG)
@login_required
def show_webhook_log(webhook_id: str) -> Response:
    """The deliveries of a webhook, newest first, and how it does."""
    endpoint = webhooks.get_for(current_user, webhook_id)
    wish, behind = _wish(), request.args.get("behind")
    part = delivery_log.page_of(endpoint, wish, behind=behind)
    view = View(endpoint, wish, behind, part)
    health = delivery_log.health_of(endpoint)
    return page("webhooks/log.html", view=view, health=health, events=list(Event))


@bp.get(f"{_LOG}/<delivery_id>")
@login_required
def show_delivery(webhook_id: str, delivery_id: str) -> Response:
    """One delivery: what is sent, and every try of it."""
    endpoint = webhooks.get_for(current_user, webhook_id)
    delivery = delivery_log.get_for(endpoint, delivery_id)
    body = json.dumps(json.loads(delivery.body), ensure_ascii=False, indent=2)
    return page(
        "webhooks/delivery.html",
        endpoint=endpoint,
        delivery=delivery,
        body=body,
        tries=delivery_log.attempts_of(delivery),
        masked=delivery_log.masked,
    )


@bp.post(f"{_LOG}/<delivery_id>/replay")
@login_required
def replay_delivery(webhook_id: str, delivery_id: str) -> Response:
    """Sends one delivery again."""
    try:
        with transaction():
            endpoint = webhooks.get_for(current_user, webhook_id)
            delivery_log.replay(endpoint, delivery_log.get_for(endpoint, delivery_id))
        flash(gettext("It is being sent again."))
    except Conflict as error:
        flash(words_of(error))
    return see_other(url_for("ui.show_delivery", webhook_id=webhook_id, delivery_id=delivery_id))


@bp.get(f"{_LOG}/replay-failed")
@login_required
def confirm_replay(webhook_id: str) -> Response:
    """Asks before all that failed are sent again."""
    endpoint = webhooks.get_for(current_user, webhook_id)
    failed = delivery_log.health_of(endpoint).failed
    return question(
        "webhooks/_replay.html", "webhooks/replay.html", endpoint=endpoint, failed=failed
    )


@bp.post(f"{_LOG}/replay-failed")
@login_required
def replay_failed(webhook_id: str) -> Response:
    """Sends all that failed again."""
    try:
        with transaction():
            endpoint = webhooks.get_for(current_user, webhook_id)
            count = delivery_log.replay_failed(endpoint, Wish())
        flash(
            ngettext(
                "%(num)d event is being sent again.", "%(num)d events are being sent again.", count
            )
        )
    except Conflict as error:
        flash(words_of(error))
    return see_other(url_for("ui.show_webhook_log", webhook_id=webhook_id))


@bp.post("/ui/webhooks/<webhook_id>/test")
@login_required
def test_webhook(webhook_id: str) -> Response:
    """Sends a test event, and shows what becomes of it."""
    try:
        with transaction():
            endpoint = webhooks.get_for(current_user, webhook_id)
            delivery_id = delivery_log.send_test(endpoint).id
    except Conflict as error:
        flash(words_of(error))
        return see_other(url_for("ui.show_webhook_log", webhook_id=webhook_id))
    return see_other(url_for("ui.show_delivery", webhook_id=webhook_id, delivery_id=delivery_id))


def _wish() -> Wish:
    status, event = request.args.get("status"), request.args.get("event")
    return Wish(
        status=DeliveryStatus(status) if status in set(DeliveryStatus) else None,
        event=event if event in set(Event) else None,
    )
