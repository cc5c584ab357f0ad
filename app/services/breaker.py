"""The circuit breaker of an endpoint: one that keeps failing is left in peace, and looked at now
and then with a single delivery. Its backlog is kept, and goes out once it answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select, update

from app.clock import utcnow
from app.core.backoff import delay_before, with_jitter
from app.extensions import db
from app.models import Delivery, Endpoint
from app.models.webhook import DeliveryStatus
from app.services import activity, outbox, webhooks
from app.transaction import rows_changed

BREAKS_AFTER = 10
"""Failures in a row; each success begins the count anew."""
FIRST_PROBE, LONGEST_PROBE = timedelta(minutes=1), timedelta(hours=1)


def lets_through(endpoint: Endpoint, now: datetime) -> bool:
    """Whether something may be sent there now: anything, or the one delivery that probes."""
    return endpoint.broken_since is None or (endpoint.probe_at or now) <= now


def open_at(now: datetime) -> ColumnElement[bool]:
    """The same as a condition on endpoints."""
    return or_(Endpoint.broken_since.is_(None), Endpoint.probe_at <= now)


def probed_at(now: datetime) -> ColumnElement[bool]:
    """True for endpoints whose probe is due, and which have something to probe with."""
    pending = Delivery.status == DeliveryStatus.PENDING
    has_one = exists().where(Delivery.endpoint_id == Endpoint.id, pending)
    return and_(Endpoint.broken_since.is_not(None), Endpoint.probe_at <= now, has_one)


def failed(endpoint: Endpoint) -> bool:
    """Counts a failure. Whether it was the one that pauses the endpoint."""
    counted = Endpoint.failures_in_row + 1
    here = Endpoint.id == endpoint.id
    rows_changed(update(Endpoint).where(here).values(failures_in_row=counted))
    db.session.refresh(endpoint)
    beyond = endpoint.failures_in_row - BREAKS_AFTER
    if beyond < 0:
        return False
    pause = delay_before(beyond + 1, first=FIRST_PROBE, cap=LONGEST_PROBE)
    endpoint.probe_at = utcnow() + with_jitter(pause)
    webhooks.tell_of_change(endpoint)
    if endpoint.broken_since is not None:
        return False
    endpoint.broken_since = utcnow()
    _note("webhook:endpoint:paused", endpoint)
    db.session.flush()
    return True


def succeeded(endpoint_id: str) -> None:
    """Begins the count anew, and lets the backlog of a paused endpoint go."""
    endpoint = db.session.scalar(
        select(Endpoint).where(Endpoint.id == endpoint_id, Endpoint.failures_in_row > 0)
    )
    if endpoint is None:
        return
    if endpoint.broken_since is not None:
        _note("webhook:endpoint:resumed", endpoint)
        outbox.ring(endpoint.id)
    endpoint.forget_failures()
    webhooks.tell_of_change(endpoint)


def try_now(endpoint: Endpoint) -> None:
    """Looks at once whether a paused endpoint answers again."""
    if endpoint.broken_since is not None:
        endpoint.probe_at = utcnow()
        outbox.ring(endpoint.id)
        webhooks.tell_of_change(endpoint)


def _note(kind: str, endpoint: Endpoint) -> None:
    activity.record(kind, instance=endpoint.instance, owner_id=endpoint.owner_id)
