"""What was sent to a webhook and what it answered: looked through, sent again, cleared away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select, update

from app.clock import utcnow
from app.config import current_settings
from app.core.errors import Conflict, NotFound
from app.core.events import Event, iso
from app.core.texts import N_
from app.extensions import db
from app.models import Attempt, Delivery, Endpoint
from app.models.webhook import DeliveryStatus
from app.services import outbox, webhooks
from app.services.endpoint_rules import SECRET_MIN
from app.transaction import rows_changed

PAGE_LENGTH = 50
MASK = "••••••"
CLEARED = 1000
LOOKED_AT = 100
"""Finished deliveries that health is reckoned from."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to show: everything where nothing is said."""

    status: DeliveryStatus | None = None
    event: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One delivery, and the latest try of it."""

    delivery: Delivery
    last: Attempt | None


@dataclass(frozen=True, slots=True)
class Part:
    """Lines, newest first; `next` is what to ask with for older ones."""

    lines: list[Line]
    next: str | None


@dataclass(frozen=True, slots=True)
class Health:
    """How a webhook does, by its latest LOOKED_AT finished deliveries."""

    finished: int
    delivered: int
    waiting: int  # deliveries that are still due
    failed: int  # that were given up and could be sent again
    median_ms: int | None  # of a try
    error: str | None  # of the latest try that failed: a slug, or the status of its answer
    error_at: datetime | None

    @property
    def percent(self) -> int | None:
        """How many of the finished ones arrived; None before the first."""
        return round(100 * self.delivered / self.finished) if self.finished else None


def page_of(
    endpoint: Endpoint, wish: Wish, *, behind: str | None, limit: int = PAGE_LENGTH
) -> Part:
    """The deliveries that fit, newest first, from behind the one with id `behind`."""
    query = select(Delivery).where(_fits(endpoint, wish))
    if behind:
        query = query.where(Delivery.id < behind)
    found = list(db.session.scalars(query.order_by(Delivery.id.desc()).limit(limit + 1)))
    shown = found[:limit]
    last = _last_tries([one.id for one in shown])
    lines = [Line(one, last.get(one.id)) for one in shown]
    return Part(lines, shown[-1].id if len(found) > limit else None)


def get_for(endpoint: Endpoint, delivery_id: str) -> Delivery:
    """The delivery, if it is the endpoint's. Raises NotFound otherwise."""
    found = db.session.get(Delivery, delivery_id)
    if found is None or found.endpoint_id != endpoint.id:
        raise NotFound(N_("There is no such delivery."), code="delivery_not_found")
    return found


def attempts_of(delivery: Delivery) -> list[Attempt]:
    """Every try, oldest first."""
    query = select(Attempt).where(Attempt.delivery_id == delivery.id)
    return list(db.session.scalars(query.order_by(Attempt.id)))


def masked(text: str | None, endpoint: Endpoint) -> str | None:
    """An answer without the webhook's secrets: a receiver may send back what it was sent."""
    if text is None:
        return None
    values = (endpoint.secret, endpoint.former_secret, *endpoint.headers.values())
    for secret in values:
        if secret and len(secret) >= SECRET_MIN:  # shorter ones are in every text
            text = text.replace(secret, MASK)
    return text


def health_of(endpoint: Endpoint) -> Health:
    """How the webhook does."""
    finished = Delivery.status != DeliveryStatus.PENDING
    latest = select(Delivery.id, Delivery.status).where(
        Delivery.endpoint_id == endpoint.id, finished
    )
    rows = db.session.execute(latest.order_by(Delivery.id.desc()).limit(LOOKED_AT)).all()
    tries = _tries_of([row.id for row in rows])
    broken = [one for one in tries if _error_of(one)]
    worst = max(broken, key=lambda one: one.started_at, default=None)
    return Health(
        finished=len(rows),
        delivered=sum(row.status == DeliveryStatus.DELIVERED for row in rows),
        waiting=_count(endpoint, DeliveryStatus.PENDING),
        failed=_count(endpoint, DeliveryStatus.FAILED),
        median_ms=round(median(one.duration_ms for one in tries)) if tries else None,
        error=_error_of(worst) if worst else None,
        error_at=worst.started_at if worst else None,
    )


def replay(endpoint: Endpoint, delivery: Delivery) -> None:
    """Sends a finished delivery once more, under the id it had. Raises Conflict for one that waits,
    or when the webhook is off."""
    _check_on(endpoint)
    finished = and_(Delivery.id == delivery.id, Delivery.status != DeliveryStatus.PENDING)
    if not _send_again(finished):
        text = N_("This delivery is waiting to be sent already.")
        raise Conflict(text, code="delivery_waiting")
    outbox.ring(endpoint.id)
    webhooks.tell_of_change(endpoint)


def replay_failed(endpoint: Endpoint, wish: Wish) -> int:
    """Sends all that were given up, of those that fit, once more; how many. Raises Conflict when
    the webhook is off."""
    _check_on(endpoint)
    count = _send_again(and_(_fits(endpoint, wish), Delivery.status == DeliveryStatus.FAILED))
    outbox.ring(endpoint.id)
    webhooks.tell_of_change(endpoint)
    return count


def send_test(endpoint: Endpoint) -> Delivery:
    """Sends the webhook an event that says nothing happened. Raises Conflict when it is off."""
    _check_on(endpoint)
    now = utcnow()
    data = {"webhookId": endpoint.id, "timestamp": iso(now)}
    delivery = outbox.add(endpoint.id, endpoint.instance_id, Event.TEST, data, now)
    webhooks.tell_of_change(endpoint)
    return delivery


def clear() -> int:
    """Removes up to CLEARED finished deliveries that are older than WEBHOOK_LOG_DAYS, with their
    tries; how many there were."""
    if not (days := current_settings().webhook_log_days):
        return 0
    old = Delivery.created_at < utcnow() - timedelta(days=days)
    done = Delivery.status != DeliveryStatus.PENDING
    query = select(Delivery.id).where(old, done).order_by(Delivery.id).limit(CLEARED)
    ids = list(db.session.scalars(query))
    db.session.execute(delete(Delivery).where(Delivery.id.in_(ids)))
    return len(ids)


def _fits(endpoint: Endpoint, wish: Wish) -> ColumnElement[bool]:
    wanted: list[ColumnElement[bool]] = [Delivery.endpoint_id == endpoint.id]
    if wish.status:
        wanted.append(Delivery.status == wish.status)
    if wish.event:
        wanted.append(Delivery.event == wish.event)
    if wish.since:
        wanted.append(Delivery.created_at >= wish.since)
    if wish.until:
        wanted.append(Delivery.created_at < wish.until)
    return and_(*wanted)


def _last_tries(ids: Sequence[str]) -> dict[str, Attempt]:
    """The latest try of each of these deliveries."""
    return {one.delivery_id: one for one in sorted(_tries_of(ids), key=lambda one: one.id)}


def _tries_of(ids: Sequence[str]) -> list[Attempt]:
    return list(db.session.scalars(select(Attempt).where(Attempt.delivery_id.in_(ids))))


def _error_of(attempt: Attempt) -> str | None:
    if attempt.error:
        return attempt.error
    code = attempt.status_code
    return str(code) if code is not None and not 200 <= code < 300 else None


def _count(endpoint: Endpoint, status: DeliveryStatus) -> int:
    query = select(func.count()).select_from(Delivery)
    query = query.where(Delivery.endpoint_id == endpoint.id, Delivery.status == status)
    return db.session.scalar(query) or 0


def _check_on(endpoint: Endpoint) -> None:
    if not endpoint.enabled:
        raise Conflict(N_("This webhook is off: switch it on first."), code="webhook_off")


def _send_again(which: ColumnElement[bool]) -> int:
    """Due at once, with all its tries before it, however many there were."""
    values: dict[str, Any] = {"status": DeliveryStatus.PENDING, "attempts": 0, "due_at": utcnow()}
    values |= {"finished_at": None, "claimed_until": None}
    return rows_changed(update(Delivery).where(which).values(values))
