"""Many messages in one request, each with a result of its own."""

from __future__ import annotations

from pydantic import Field

from app import models
from app.api import problems
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, takes
from app.api.identity import caller
from app.api.message_shapes import Message, message_shown
from app.api.messages import TAGS, MessageToSend, checked_key, queued
from app.api.problems import Problem
from app.core.errors import AppError, Invalid
from app.core.texts import N_
from app.services import instances
from app.transaction import again_when_beaten, transaction

MOST = 100
EXAMPLE = {
    "messages": [
        {"to": "+7 916 123-45-67", "text": "Your order is ready.", "idempotencyKey": "order-1042"},
        {"to": "+7 916 765-43-21", "text": "Your order is ready.", "idempotencyKey": "order-1043"},
    ]
}


class BatchMessage(MessageToSend):
    """One message of a batch; files are sent one by one."""

    idempotency_key: str | None = Field(
        default=None, description="As the header Idempotency-Key of a single message."
    )


class Batch(Body):
    """Messages, in the order in which they are queued."""

    messages: list[BatchMessage] = Field(min_length=1, max_length=MOST, description="1 to 100.")


class BatchResult(Answer):
    """What became of one message."""

    status: int = Field(description="As of a request of its own: 202, or that of its problem.")
    message: Message | None = Field(description="The queued message; null where it was refused.")
    problem: Problem | None = Field(description="Why it was refused; null where it was not.")


class BatchResults(Answer):
    """What became of each message, in their order."""

    accepted: int
    refused: int
    items: list[BatchResult]


@bp.post("/instances/<instance_id>/send/batch")
@takes(Batch, example=EXAMPLE)
@bp.output(BatchResults, description="What became of each.")
@bp.doc(operation_id="sendBatch", summary="Send many messages", tags=TAGS)
def send_batch(instance_id: str, body: Batch) -> BatchResults:
    """Send many messages

    Texts, locations, contacts and polls, 100 at most. Each is queued by itself: one that is refused
    holds up no other. The queue's pace holds for them as for all messages.
    """
    instances.get_for(caller(), instance_id)
    items = [_result(instance_id, one) for one in body.messages]
    accepted = sum(one.message is not None for one in items)
    return BatchResults(accepted=accepted, refused=len(items) - accepted, items=items)


def _result(instance_id: str, one: BatchMessage) -> BatchResult:
    try:
        message = _committed(instance_id, one)
    except AppError as error:
        problem = problems.in_words(error)
        return BatchResult(status=problem.status, message=None, problem=problem)
    return BatchResult(status=202, message=message_shown(message), problem=None)


@again_when_beaten
def _committed(instance_id: str, one: BatchMessage) -> models.Message:
    if one.file is not None:
        message = N_("Files are sent one by one, not in a batch.")
        raise Invalid(message, field="file", code="file_in_batch")
    key = checked_key(one.idempotency_key, "idempotencyKey")
    with transaction():
        return queued(instances.get_for(caller(), instance_id), one, key)
