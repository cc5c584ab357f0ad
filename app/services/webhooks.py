"""Webhook endpoints, and the outbox of what is due to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from app import bell
from app.clock import utcnow
from app.core.events import Event, Subscription, body_of, subscription_for
from app.core.ids import new_id
from app.core.signing import new_secret
from app.extensions import db
from app.models import Delivery, Endpoint, Instance, User
from app.models.webhook import DeliveryStatus
from app.services import activity, instances
from app.services.endpoint_rules import (
    check_retries,
    checked_events,
    checked_headers,
    checked_secret,
    checked_url,
)
from app.transaction import hold

QUEUE = "webhooks"
JOB = "app.jobs.webhooks.drain_endpoint"
DEFAULT_EVENTS = (Subscription.RECEIVED, Subscription.SENT)
DEFAULT_MAX_RETRIES = 3
DEFAULT_RETRY_INTERVAL_MS = 60_000


def endpoint_of(instance: Instance) -> Endpoint | None:
    """The instance's endpoint, if one was set."""
    return db.session.scalar(select(Endpoint).where(Endpoint.instance_id == instance.id))


def endpoints_of(owners: Sequence[Instance]) -> dict[str, Endpoint]:
    """The endpoints of these instances by the instance's id, of those that have one."""
    ids = [instance.id for instance in owners]
    query = select(Endpoint).where(Endpoint.instance_id.in_(ids))
    return {endpoint.instance_id: endpoint for endpoint in db.session.scalars(query)}


def save_endpoint(
    instance: Instance,
    *,
    url: str,
    actor: User,
    events: Iterable[str] = DEFAULT_EVENTS,
    enabled: bool = True,
    secret: str | None = None,
    headers: dict[str, str] | None = None,
    max_retries: int = DEFAULT_MAX_RETRIES,
    retry_interval_ms: int = DEFAULT_RETRY_INTERVAL_MS,
) -> Endpoint:
    """The instance's endpoint with exactly these settings, made if there is none.

    Without `secret` it keeps the one it has; a new endpoint gets a fresh one. Raises Invalid
    with the field as the API names it.
    """
    check_retries(max_retries, retry_interval_ms)
    hold(instance)  # one endpoint each, which no constraint says
    endpoint = endpoint_of(instance)
    checked = {
        "url": checked_url(url),
        "events": checked_events(events),
        "enabled": enabled,
        "headers": checked_headers(headers or {}),
        "max_retries": max_retries,
        "retry_interval_ms": retry_interval_ms,
    }
    if secret:
        checked["secret"] = checked_secret(secret)
    if endpoint is None:
        now = utcnow()
        checked.setdefault("secret", new_secret())
        endpoint = Endpoint(id=new_id("whe", now), instance_id=instance.id, created_at=now)
        db.session.add(endpoint)
    was_enabled = bool(endpoint.enabled)
    for name, value in checked.items():
        setattr(endpoint, name, value)
    db.session.flush()
    activity.record("webhook:endpoint:saved", instance=instance, actor=actor)
    instances.tell_of_change(instance)
    if enabled and not was_enabled:
        ring(endpoint.id)  # what waited while it was off
    return endpoint


def rotate_secret(endpoint: Endpoint, *, actor: User) -> str:
    """A fresh secret, which signs everything sent from now on."""
    endpoint.secret = new_secret()
    instance = db.session.get_one(Instance, endpoint.instance_id)
    activity.record("webhook:secret:replaced", instance=instance, actor=actor)
    instances.tell_of_change(instance)
    return endpoint.secret


def delete(endpoint: Endpoint, *, actor: User) -> None:
    """Removes the endpoint with its deliveries, also those that were still due."""
    instance = db.session.get_one(Instance, endpoint.instance_id)
    db.session.delete(endpoint)
    db.session.flush()
    activity.record("webhook:endpoint:deleted", instance=instance, actor=actor)
    instances.tell_of_change(instance)


def emit(instance_id: str, event: Event, data: dict[str, Any]) -> None:
    """Writes a delivery for every endpoint that wants `event`, in the caller's transaction, and
    rings for a sender once it is committed."""
    now = utcnow()
    wanted = subscription_for(event, data)
    endpoints = db.session.scalars(
        select(Endpoint).where(Endpoint.instance_id == instance_id, Endpoint.enabled.is_(True))
    )
    for endpoint in endpoints:
        if wanted not in endpoint.events:
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
        ring(endpoint.id)


def ring(endpoint_id: str) -> None:
    """Queues one drain of the endpoint, unless one waits in the queue already."""
    bell.enqueue_once(QUEUE, JOB, endpoint_id)
