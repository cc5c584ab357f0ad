"""Webhook endpoints, and the outbox of what is due to them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app import bell
from app.clock import utcnow
from app.core.events import Event, body_of
from app.core.ids import new_id
from app.extensions import db
from app.models import Delivery, Endpoint, Instance
from app.models.webhook import DeliveryStatus

QUEUE = "webhooks"
JOB = "app.jobs.webhooks.drain_endpoint"


def endpoint_of(instance: Instance) -> Endpoint | None:
    """The instance's endpoint, if one was set."""
    return db.session.scalar(select(Endpoint).where(Endpoint.instance_id == instance.id))


def emit(instance_id: str, event: Event, data: dict[str, Any]) -> None:
    """Writes a delivery for every endpoint that wants `event`, in the caller's transaction, and
    rings for a sender once it is committed."""
    now = utcnow()
    endpoints = db.session.scalars(
        select(Endpoint).where(Endpoint.instance_id == instance_id, Endpoint.enabled.is_(True))
    )
    for endpoint in endpoints:
        if event.value not in endpoint.events:
            continue
        db.session.add(
            Delivery(
                id=new_id("dlv", now),
                endpoint_id=endpoint.id,
                event=event.value,
                body=body_of(event, data, instance_id=instance_id, now=now),
                status=DeliveryStatus.PENDING,
                due_at=now,
                created_at=now,
            )
        )
        bell.enqueue(QUEUE, JOB, endpoint.id)
