"""What is done to many contacts in the background: how far it is, and what came of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import g, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from app import topics
from app.clock import utcnow
from app.models import Instance
from app.services import contact_tasks
from app.services.contact_lists import Source
from app.transaction import transaction
from app.ui.answers import respond
from app.ui.blueprint import bp
from app.ui.instances import owned
from app.ui.polling import CALM, FAST, fresh_version_of, polled

IS_NEWS = timedelta(minutes=10)
"""What came of it is said for so long."""
_TASK = "/ui/instances/<instance_id>/contacts/task"


def _topics(instance_id: str) -> list[str]:
    return [topics.contacts(instance_id)]


@bp.get(_TASK)
@polled(_topics)
@login_required
def show_contact_task(instance_id: str) -> Response:
    """It alone, for its poll. One that has ended brings the list up to date."""
    return _task(owned(instance_id))


@bp.post(f"{_TASK}/cancel")
@login_required
def cancel_contact_task(instance_id: str) -> Response:
    """Ends the one that runs; what was done stays done."""
    instance = owned(instance_id)
    with transaction():
        task = contact_tasks.latest(instance)
        if task is not None and task.is_running:
            contact_tasks.cancel(task)
    g.version = fresh_version_of(*_topics(instance_id))
    return _task(owned(instance_id))


def task_context(instance: Instance) -> dict[str, Any]:
    """The one that runs or ran last, and how often to look at it."""
    task = contact_tasks.latest(instance)
    if task is not None and task.finished_at and utcnow() - task.finished_at > IS_NEWS:
        task = None
    return {"task": task, "task_every": FAST if task and task.is_running else CALM}


def _task(instance: Instance) -> Response:
    at = url_for("ui.show_contacts", instance_id=instance.id, source=Source.DATABASE.value)
    context = task_context(instance)
    response = respond("contacts/_task.html", page=at, instance=instance, **context)
    if not (context["task"] and context["task"].is_running):
        response.headers["HX-Trigger-After-Swap"] = "contacts-changed"
    return response
