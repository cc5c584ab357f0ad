"""Acts on all contacts that a search finds, done in the background."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.contacts import PATH, TAGS
from app.api.identity import caller
from app.core.events import iso
from app.models.contact_task import TaskAct
from app.services import contact_tasks, instances
from app.transaction import transaction

_ONE = f"{PATH}/tasks/<task_id>"


class NewContactTask(Body):
    """What is to be done, and to whom."""

    act: TaskAct
    tag: str = Field(default="", max_length=100, description="To add or to take off.")
    search: str = Field(
        default="", max_length=100, description="As in the list; empty for all contacts."
    )


class ContactTask(Answer):
    """An act on many contacts, and how far it is."""

    id: str
    act: TaskAct
    tag: str
    search: str
    state: Literal["running", "done", "cancelled"]
    total: int = Field(description="How many contacts are meant.")
    seen: int = Field(description="How many of them are done with.")
    changed: int = Field(description="How many of these were changed, or deleted.")
    created_at: Moment
    finished_at: Moment | None


@bp.post(f"{PATH}/tasks")
@takes(NewContactTask, example={"act": "tag", "tag": "VIP", "search": "tulips"})
@bp.output(ContactTask, status_code=202, description="The act, which goes on by itself.")
@bp.doc(operation_id="startContactTask", summary="Change many contacts", tags=TAGS)
def start_contact_task(instance_id: str, body: NewContactTask) -> ContactTask:
    """Change many contacts

    Tags, untags or deletes all contacts of the database that the search finds now, in the
    background. Answers 409 task_running while another one runs.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        text = body.search.strip()
        row = contact_tasks.start(instance, body.act, tag=body.tag, text=text, actor=caller())
    return _shown(row)


@bp.get(_ONE)
@bp.output(ContactTask, description="The act as it is now.")
@bp.doc(operation_id="getContactTask", summary="Show an act on many contacts", tags=TAGS)
def show_contact_task(instance_id: str, task_id: str) -> ContactTask:
    """Show an act on many contacts"""
    return _shown(contact_tasks.get_for(instances.get_for(caller(), instance_id), task_id))


@bp.post(f"{_ONE}/cancel")
@bp.output(ContactTask, description="The act, cancelled.")
@bp.doc(operation_id="cancelContactTask", summary="Cancel an act on many contacts", tags=TAGS)
def cancel_contact_task(instance_id: str, task_id: str) -> ContactTask:
    """Cancel an act on many contacts

    What was done stays done. Answers 409 not_running when it is over already.
    """
    with transaction():
        row = contact_tasks.get_for(instances.get_for(caller(), instance_id), task_id)
        contact_tasks.cancel(row)
    return _shown(row)


def _shown(row: models.ContactTask) -> ContactTask:
    return ContactTask.model_validate(
        {
            "id": row.id,
            "act": row.act,
            "tag": row.tag,
            "search": row.search,
            "state": row.state,
            "total": row.total,
            "seen": row.seen,
            "changed": row.changed,
            "createdAt": iso(row.created_at),
            "finishedAt": iso(row.finished_at) if row.finished_at else None,
        }
    )
