"""The log of webhooks: what was sent, what came back, and sending it again."""

from __future__ import annotations

import json

from flask import flash, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.core.errors import Conflict
from app.core.events import Event
from app.i18n import words_of
from app.services import delivery_log, instances, webhook_health, webhooks
from app.services.delivery_log import Part
from app.transaction import transaction
from app.ui.answers import page, question, see_other
from app.ui.blueprint import bp
from app.ui.log_view import View, asked

_LOG = "/ui/webhooks/<webhook_id>/log"


@bp.get("/ui/webhooks/log")
@login_required
def show_deliveries() -> Response:
    """The deliveries of all webhooks, or of those and of the instance that were chosen."""
    return _log_page(asked(request.args))


@bp.get(_LOG)
@login_required
def show_webhook_log(webhook_id: str) -> Response:
    """The deliveries of a webhook, and how it does."""
    return _log_page(asked(request.args, webhook_id=webhook_id))


def _log_page(view: View) -> Response:
    part = Part([], None)
    if not view.problem:
        part = delivery_log.page_of(view.scope, view.wish, behind=view.behind)
    return page(
        "webhooks/log.html",
        status=422 if view.problem else 200,
        view=view,
        part=part,
        again=view.again(),
        events=list(Event),
        health=webhook_health.health_of(view.page_of) if view.page_of else None,
        endpoints=[] if view.page_of else webhooks.all_of(current_user),
        instances=[] if view.page_of else instances.all_of(current_user),
    )


@bp.get("/ui/webhooks/log/replay")
@login_required
def confirm_replay() -> Response:
    """Asks before all that is chosen is sent again."""
    view = asked(request.args)
    view.check()
    return question("webhooks/_replay.html", "webhooks/replay.html", view=view, again=view.again())


@bp.post("/ui/webhooks/log/replay")
@login_required
def replay_deliveries() -> Response:
    """Sends all that is chosen again."""
    view = asked(request.form)
    view.check()
    try:
        with transaction():
            count = delivery_log.replay_all(view.scope, view.wish)
        flash(
            ngettext(
                "%(num)d event is being sent again.", "%(num)d events are being sent again.", count
            )
        )
    except Conflict as error:
        flash(words_of(error))
    return see_other(view.address(status=None))


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
