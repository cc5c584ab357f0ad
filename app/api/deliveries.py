"""The log of a webhook: what was sent, what came back, and sending it again."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app import models
from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment, takes
from app.api.identity import caller
from app.core.errors import Invalid
from app.core.events import iso
from app.core.texts import N_
from app.models.webhook import DeliveryStatus
from app.services import delivery_log, instances, webhook_health, webhooks
from app.services.delivery_log import Scope, Wish
from app.transaction import transaction

TAGS = ["Webhooks"]
PATH = "/webhooks/<webhook_id>"


class Try(Answer):
    """One try of a delivery."""

    at: Moment
    duration: int = Field(description="Milliseconds.")
    status_code: int | None = Field(description="Of the answer; null where none came.")
    error: str | None = Field(description="A code, where no answer came.")
    answer: str | None = Field(description="The first KB of it.")


class Delivered(Answer):
    """One event due to one webhook."""

    id: str = Field(
        description="The header webhook-id.", examples=["dlv_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"]
    )
    webhook_id: str
    instance_id: str | None
    event: str
    status: Literal["pending", "delivered", "failed"]
    tries: int = Field(description="Since it was sent the first time, or sent again.")
    created_at: Moment
    due_at: Moment | None = Field(description="When it is tried next.")
    finished_at: Moment | None


class DeliveredWhole(Delivered):
    """One event due to one webhook, with what is sent and every try."""

    body: str = Field(description="Exactly what is signed and sent.")
    log: list[Try]


class DeliveryList(Answer):
    """Deliveries, newest first."""

    items: list[Delivered]
    next_cursor: str | None = Field(description="Ask with it for older ones; null at the end.")


class Count(Answer):
    """How many."""

    count: int


class Health(Answer):
    """How a webhook does, by its latest 100 finished deliveries."""

    finished: int
    delivered: int
    waiting: int = Field(description="Deliveries that are still due.")
    failed: int = Field(description="Deliveries that were given up and can be sent again.")
    median: int | None = Field(description="Milliseconds that a try took.")
    error: str | None = Field(description="Of the latest try that failed: a code, or a status.")
    error_at: Moment | None


class Range(Body):
    """Which deliveries; all where nothing is said."""

    event: str | None = Field(default=None, max_length=40)
    since: datetime | None = Field(default=None, description="Events from then on.")
    until: datetime | None = Field(default=None, description="Events before then.")

    def wish(self, status: str | None = None) -> Wish:
        """The same for the service. Raises Invalid for a time without a zone."""
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment is not None and moment.tzinfo is None:
                text = N_("Write the time with its time zone, like 2026-12-24T10:00:00Z.")
                raise Invalid(text, field=name, code="time_without_zone")
        return Wish(DeliveryStatus(status) if status else None, self.event, self.since, self.until)


class DeliveryQuery(Range):
    """Which deliveries, and from where on."""

    status: Literal["pending", "delivered", "failed"] | None = None
    cursor: str | None = Field(default=None, max_length=40)
    limit: int = Field(default=50, ge=1, le=100)


class OfAll(Body):
    """Of which webhook and instance; all that the caller has where nothing is said."""

    webhook_id: str | None = Field(default=None, max_length=40)
    instance_id: str | None = Field(default=None, max_length=40)


class DeliveryQueryOfAll(OfAll, DeliveryQuery):
    """Which deliveries of all webhooks."""


class Replay(OfAll, Range):
    """What is to be sent again."""

    status: Literal["failed", "delivered", "finished"] = Field(
        default="failed", description="finished: both of them."
    )


@bp.get(f"{PATH}/deliveries")
@bp.input(DeliveryQuery, location="query", arg_name="query")
@bp.output(DeliveryList, description="The deliveries, newest first.")
@bp.doc(operation_id="listDeliveries", summary="List a webhook's deliveries", tags=TAGS)
def list_deliveries(webhook_id: str, query: DeliveryQuery) -> DeliveryList:
    """List a webhook's deliveries

    Kept for WEBHOOK_LOG_DAYS.
    """
    endpoint = webhooks.get_for(caller(), webhook_id)
    return _listed(Scope.of(endpoint), query)


@bp.get("/deliveries")
@bp.input(DeliveryQueryOfAll, location="query", arg_name="query")
@bp.output(DeliveryList, description="The deliveries, newest first.")
@bp.doc(operation_id="listAllDeliveries", summary="List deliveries of all webhooks", tags=TAGS)
def list_all_deliveries(query: DeliveryQueryOfAll) -> DeliveryList:
    """List deliveries of all webhooks

    Or of those that are chosen: to one webhook, of the events of one instance.
    """
    return _listed(_scope(query.webhook_id, query.instance_id), query)


@bp.get(f"{PATH}/deliveries/<delivery_id>")
@bp.output(DeliveredWhole, description="The delivery.")
@bp.doc(operation_id="getDelivery", summary="Show a delivery", tags=TAGS)
def show_delivery(webhook_id: str, delivery_id: str) -> DeliveredWhole:
    """Show a delivery

    With what is sent and every try.
    """
    endpoint = webhooks.get_for(caller(), webhook_id)
    return _whole(delivery_log.get_for(endpoint, delivery_id))


@bp.post(f"{PATH}/deliveries/<delivery_id>/replay")
@bp.output(DeliveredWhole, status_code=202, description="The delivery, due at once.")
@bp.doc(operation_id="replayDelivery", summary="Send a delivery again", tags=TAGS)
def replay_delivery(webhook_id: str, delivery_id: str) -> DeliveredWhole:
    """Send a delivery again

    Under the id it had.
    """
    with transaction():
        endpoint = webhooks.get_for(caller(), webhook_id)
        delivery = delivery_log.get_for(endpoint, delivery_id)
        delivery_log.replay(endpoint, delivery)
    return _whole(delivery)


@bp.post(f"{PATH}/replay-failed")
@takes(Range, example={"since": "2026-03-01T00:00:00Z"})
@bp.output(Count, status_code=202, description="How many are sent again.")
@bp.doc(operation_id="replayFailed", summary="Send all failed deliveries again", tags=TAGS)
def replay_failed(webhook_id: str, body: Range) -> Count:
    """Send all failed deliveries again

    Or those of some time, or of one event. Each under the id it had.
    """
    with transaction():
        endpoint = webhooks.get_for(caller(), webhook_id)
        return Count(count=delivery_log.replay_all(Scope.of(endpoint), body.wish("failed")))


@bp.post("/deliveries/replay")
@takes(Replay, example={"status": "failed", "since": "2026-03-01T00:00:00Z"})
@bp.output(Count, status_code=202, description="How many are sent again.")
@bp.doc(operation_id="replayDeliveries", summary="Send deliveries again", tags=TAGS)
def replay_deliveries(body: Replay) -> Count:
    """Send deliveries again

    Those that failed, that were delivered, or both, each under the id it had. Webhooks that are
    off get nothing.
    """
    with transaction():
        scope = _scope(body.webhook_id, body.instance_id)
        status = None if body.status == "finished" else body.status
        return Count(count=delivery_log.replay_all(scope, body.wish(status)))


@bp.post(f"{PATH}/test")
@bp.output(DeliveredWhole, status_code=202, description="The delivery of the event.")
@bp.doc(operation_id="testWebhook", summary="Send a test event", tags=TAGS)
def test_webhook(webhook_id: str) -> DeliveredWhole:
    """Send a test event

    Of the kind test, signed like every other.
    """
    with transaction():
        delivery = delivery_log.send_test(webhooks.get_for(caller(), webhook_id))
    return _whole(delivery)


@bp.get(f"{PATH}/health")
@bp.output(Health, description="How it does.")
@bp.doc(operation_id="getWebhookHealth", summary="Show how a webhook does", tags=TAGS)
def show_health(webhook_id: str) -> Health:
    """Show how a webhook does"""
    health = webhook_health.health_of(webhooks.get_for(caller(), webhook_id))
    return Health(
        finished=health.finished,
        delivered=health.delivered,
        waiting=health.waiting,
        failed=health.failed,
        median=health.median_ms,
        error=health.error,
        error_at=iso(health.error_at) if health.error_at else None,
    )


def _listed(scope: Scope, query: DeliveryQuery) -> DeliveryList:
    wish = query.wish(query.status)
    part = delivery_log.page_of(scope, wish, behind=query.cursor, limit=query.limit)
    items = [Delivered(**_shown(line.delivery)) for line in part.lines]
    return DeliveryList(items=items, next_cursor=part.next)


def _scope(webhook_id: str | None, instance_id: str | None) -> Scope:
    """What is the caller's of these. Raises NotFound for anything else."""
    user = caller()
    return Scope(
        user.id,
        endpoint=webhooks.get_for(user, webhook_id) if webhook_id else None,
        instance=instances.get_for(user, instance_id) if instance_id else None,
        reach=user.reach,
    )


def _whole(delivery: models.Delivery) -> DeliveredWhole:
    log = [
        Try(
            at=iso(one.started_at),
            duration=one.duration_ms,
            status_code=one.status_code,
            error=one.error,
            answer=delivery_log.masked(one.answer, delivery.endpoint),
        )
        for one in delivery_log.attempts_of(delivery)
    ]
    return DeliveredWhole(**_shown(delivery), body=delivery.body.decode(), log=log)


def _shown(delivery: models.Delivery) -> dict[str, Any]:
    is_due = delivery.status == DeliveryStatus.PENDING
    return {
        "id": delivery.id,
        "webhook_id": delivery.endpoint_id,
        "instance_id": delivery.instance_id,
        "event": delivery.event,
        "status": delivery.status,
        "tries": delivery.attempts,
        "created_at": iso(delivery.created_at),
        "due_at": iso(delivery.due_at) if is_due else None,
        "finished_at": iso(delivery.finished_at) if delivery.finished_at else None,
    }
