"""The outbox of webhooks: what is due to endpoints, written along with what it tells of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, or_, select

from app import bell
from app.clock import utcnow
from app.core.events import Event, body_of, subscription_for
from app.core.ids import new_id
from app.extensions import db
from app.models import Delivery, Endpoint, Instance
from app.models.webhook import DeliveryStatus
from app.services import event_feed
from app.services.endpoint_rules import place_of

QUEUE = "webhooks"
JOB = "app.jobs.webhooks.drain_endpoint"


class Told(NamedTuple):
    """An endpoint that an event is due to, and whose it is."""

    endpoint_id: str
    owner_id: str


def emit(instance_id: str, event: Event, data: dict[str, Any]) -> None:
    """Writes a delivery for every endpoint that wants `event`, in the caller's transaction, and
    rings for a sender once it is committed. Who fetches events gets it, too."""
    now = utcnow()
    event_feed.keep(instance_id, event, data, now)
    for told in _told(instance_id, subscription_for(event, data)):
        add(told, instance_id, event, data, now)


def emit_to_person(owner_id: str, event: Event, data: dict[str, Any]) -> None:
    """The same of an event that is of no instance: each of the person's webhooks can choose it."""
    now = utcnow()
    query = select(Endpoint.id, Endpoint.owner_id, Endpoint.url, Endpoint.events).where(
        Endpoint.owner_id == owner_id, Endpoint.enabled.is_(True)
    )
    rows = db.session.execute(query.order_by(Endpoint.instance_id.is_not(None), Endpoint.id)).all()
    for told in _one_of_each_place(rows, subscription_for(event, data)):
        add(told, None, event, data, now)


def add(
    told: Told, instance_id: str | None, event: Event, data: dict[str, Any], now: datetime
) -> Delivery:
    """A delivery of the event to this endpoint, as `emit` writes them."""
    delivery = Delivery(
        id=new_id("dlv", now),
        endpoint_id=told.endpoint_id,
        owner_id=told.owner_id,
        instance_id=instance_id,
        event=event.value,
        body=body_of(event, data, instance_id=instance_id, now=now),
        status=DeliveryStatus.PENDING,
        due_at=now,
        created_at=now,
    )
    db.session.add(delivery)
    ring(told.endpoint_id)
    return delivery


def _told(instance_id: str, wanted: str) -> list[Told]:
    """The endpoints to tell, no two of them at one address: the instance's own come first, the
    oldest of them before the others, then those for all instances of its owner."""
    owner = select(Instance.owner_id).where(Instance.id == instance_id).scalar_subquery()
    everywhere = and_(Endpoint.instance_id.is_(None), Endpoint.owner_id == owner)
    rows = db.session.execute(
        select(Endpoint.id, Endpoint.owner_id, Endpoint.url, Endpoint.events)
        .where(or_(Endpoint.instance_id == instance_id, everywhere), Endpoint.enabled.is_(True))
        .order_by(Endpoint.instance_id.is_(None), Endpoint.id)
    )
    return _one_of_each_place(rows, wanted)


def _one_of_each_place(rows: Iterable[Row[str, str, str, list[str]]], wanted: str) -> list[Told]:
    places: dict[str, Told] = {}
    for endpoint_id, owner_id, url, events in rows:
        if wanted in events:
            places.setdefault(place_of(url), Told(endpoint_id, owner_id))
    return list(places.values())


def ring(endpoint_id: str) -> None:
    """Queues one drain of the endpoint, unless one waits in the queue already."""
    bell.enqueue_once(QUEUE, JOB, endpoint_id)
