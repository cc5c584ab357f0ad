"""The queue of an instance: what waits to be sent, and taking it out again."""

from __future__ import annotations

from typing import Any

from flask import flash, g, make_response, render_template, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app import topics
from app.core.errors import Invalid
from app.i18n import words_of
from app.models import Instance
from app.services import messaging, queue
from app.transaction import transaction
from app.ui.answers import page, question, respond, see_other, wants_fragment
from app.ui.blueprint import bp
from app.ui.instances import owned
from app.ui.polling import BRISK, FAST, fresh_version_of, polled


def _topics(instance_id: str) -> list[str]:
    return [topics.chats(instance_id), topics.instance(instance_id)]


@bp.get("/ui/instances/<instance_id>/queue")
@polled(_topics)
@login_required
def show_queue(instance_id: str) -> Response:
    """What waits to be sent, in order."""
    return page("instances/queue.html", **_context(owned(instance_id)))


@bp.get("/ui/instances/<instance_id>/queue/places")
@polled(_topics)
@login_required
def queue_places(instance_id: str) -> Response:
    """The queue alone, for its poll."""
    return _places(owned(instance_id))


@bp.post("/ui/instances/<instance_id>/queue/<message_id>/cancel")
@login_required
def cancel_message(instance_id: str, message_id: str) -> Response:
    """Takes one message out of the queue."""
    instance = owned(instance_id)
    with transaction():
        queue.cancel(messaging.get_for(instance, message_id), actor=current_user)
    if not wants_fragment():
        flash(gettext("The message will not be sent."))
    g.version = fresh_version_of(*_topics(instance_id))
    return _places(owned(instance_id))


@bp.get("/ui/instances/<instance_id>/queue/cancel")
@login_required
def confirm_cancelling(instance_id: str) -> Response:
    """Asks before the whole queue is emptied."""
    instance = owned(instance_id)
    return question(
        "instances/_cancel_all.html",
        "instances/cancel_all.html",
        instance=instance,
        total=queue.count(instance),
    )


@bp.post("/ui/instances/<instance_id>/queue/cancel")
@login_required
def cancel_queue(instance_id: str) -> Response:
    """Takes everything that waits out of the queue."""
    instance = owned(instance_id)
    with transaction():
        cancelled = queue.cancel_all(instance, actor=current_user)
    sentence = ngettext(
        "%(num)d message was cancelled.", "%(num)d messages were cancelled.", cancelled
    )
    if not wants_fragment():
        flash(sentence)
        return see_other(url_for("ui.show_queue", instance_id=instance_id))
    response = make_response(render_template("instances/_deleted.html", sentence=sentence))
    response.headers["HX-Trigger-After-Swap"] = "answered, queue-changed"
    return response


@bp.post("/ui/instances/<instance_id>/queue/pause")
@login_required
def pause_queue(instance_id: str) -> Response:
    """Lets nothing of the queue out until it is resumed."""
    instance, reason = owned(instance_id), request.form.get("reason", "")
    try:
        with transaction():
            queue.pause(instance, reason=reason, actor=current_user)
    except Invalid as error:
        g.version = fresh_version_of(*_topics(instance_id))
        context = _context(owned(instance_id)) | {"reason": reason}
        return page(
            "instances/queue.html",
            status=error.status,
            reason_problem=words_of(error),
            **context,
        )
    return see_other(url_for("ui.show_queue", instance_id=instance_id))


@bp.post("/ui/instances/<instance_id>/queue/resume")
@login_required
def resume_queue(instance_id: str) -> Response:
    """Lets the queue go on."""
    instance = owned(instance_id)
    with transaction():
        queue.resume(instance, actor=current_user)
    g.version = fresh_version_of(*_topics(instance_id))
    return _places(owned(instance_id))


def _places(instance: Instance) -> Response:
    at = url_for("ui.show_queue", instance_id=instance.id)
    return respond("instances/_queue.html", page=at, **_context(instance))


def _context(instance: Instance) -> dict[str, Any]:
    behind = request.args.get("behind")
    part = queue.page_of(instance, behind=behind)
    return {
        "instance": instance,
        "part": part,
        "behind": behind,
        "poll_every": FAST if any(place.wait is None for place in part.places) else BRISK,
    }
