"""The queue of an instance: what waits to be sent, and taking it out again."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import caller
from app.api.message_shapes import Message, message_shown
from app.api.pages import PageQuery
from app.core.events import iso
from app.services import instances, messaging, queue
from app.transaction import transaction

TAGS = ["Messages"]
PATH = "/instances/<instance_id>/queue"


WaitsFor = Literal["turn", "connection", "link", "time", "pause", "file", "other_number"]


class Place(Answer):
    """A message that is not sent yet."""

    position: int = Field(description="1 is sent next; 0 is being sent.")
    waits_for: (
        Literal["turn", "connection", "link", "time", "pause", "file", "other_number"] | None
    ) = Field(
        description="turn: those before it, and the pace; connection: WhatsApp to be reached; "
        "time: the moment it is scheduled for; pause: the queue to be resumed; "
        "link: a phone to be linked; file: its GIF to be made; "
        "other_number: nothing, its number is linked no more."
    )
    message: Message


class Queue(Answer):
    """A part of the queue."""

    items: list[Place]
    total: int = Field(description="How many wait in all.")
    state: QueueState
    next_cursor: str | None = Field(description="Ask with it for the next page; null at the end.")


class Pause(Body):
    """Why nothing is to be sent for now."""

    reason: str = Field(default="", max_length=queue.REASON_LENGTH)


class QueueState(Answer):
    """Whether the queue goes on."""

    paused: bool
    paused_at: Moment | None
    paused_by: str = Field(description="The name of who paused it; empty while it goes on.")
    reason: str


class Cancelled(Answer):
    """What became of the queue."""

    cancelled: int = Field(description="How many messages were taken out.")


@bp.get(PATH)
@bp.input(PageQuery, location="query", arg_name="query")
@bp.output(Queue, description="What waits, in the order it is sent in.")
@bp.doc(operation_id="listQueue", summary="List the queue", tags=TAGS)
def list_queue(instance_id: str, query: PageQuery) -> Queue:
    """List the queue

    What waits to be sent and why. The first page begins with what is being sent right now.
    """
    instance = instances.get_for(caller(), instance_id)
    page = queue.page_of(instance, behind=query.cursor, limit=query.limit)
    places = [
        Place(
            position=place.position,
            waits_for=place.wait.value if place.wait else None,
            message=message_shown(place.message),
        )
        for place in page.places
    ]
    return Queue(items=places, total=page.total, state=_state_of(instance), next_cursor=page.next)


@bp.post(f"{PATH}/pause")
@takes(Pause, example={"reason": "Stocktaking until noon"})
@bp.output(QueueState, description="The queue, paused.")
@bp.doc(operation_id="pauseQueue", summary="Pause the queue", tags=TAGS)
def pause_queue(instance_id: str, body: Pause) -> QueueState:
    """Pause the queue

    Nothing of it is sent until it is resumed; a message that is being sent goes its way. Messages
    are still taken into the queue. Answers 409 queue_paused when it is paused already.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        queue.pause(instance, reason=body.reason, actor=caller())
    return _state_of(instance)


@bp.post(f"{PATH}/resume")
@bp.output(QueueState, description="The queue, going on.")
@bp.doc(operation_id="resumeQueue", summary="Resume the queue", tags=TAGS)
def resume_queue(instance_id: str) -> QueueState:
    """Resume the queue

    Answers 409 queue_not_paused when it goes on already.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        queue.resume(instance, actor=caller())
    return _state_of(instance)


def _state_of(instance: models.Instance) -> QueueState:
    paused_at = instance.queue_paused_at
    return QueueState.model_validate(
        {
            "paused": paused_at is not None,
            "pausedAt": iso(paused_at) if paused_at else None,
            "pausedBy": instance.queue_paused_by,
            "reason": instance.queue_pause_reason,
        }
    )


@bp.delete(PATH)
@bp.output(Cancelled, description="The queue is empty now.")
@bp.doc(operation_id="cancelQueue", summary="Cancel all queued messages", tags=TAGS)
def cancel_queue(instance_id: str) -> Cancelled:
    """Cancel all queued messages

    A message that is being sent goes its way.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        cancelled = queue.cancel_all(instance, actor=caller())
    return Cancelled(cancelled=cancelled)


@bp.post("/instances/<instance_id>/messages/<message_id>/cancel")
@bp.output(Message, description="The message, cancelled.")
@bp.doc(operation_id="cancelMessage", summary="Cancel a queued message", tags=TAGS)
def cancel_message(instance_id: str, message_id: str) -> Message:
    """Cancel a queued message

    Answers 409 being_sent when it is on its way already, 409 not_queued when it was sent, failed
    or was cancelled before.
    """
    with transaction():
        instance = instances.get_for(caller(), instance_id)
        message = messaging.get_for(instance, message_id)
        queue.cancel(message, actor=caller())
    return message_shown(message)
