"""The outbox's other end: what is due is claimed, sent by a job, and recorded here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import aliased

from app.clock import utcnow
from app.core.backoff import delay_before, with_jitter
from app.core.ids import new_id
from app.core.signing import headers_for
from app.extensions import db
from app.models import Attempt, Delivery, Endpoint, Instance
from app.models.webhook import DeliveryStatus
from app.outgoing.sender import Answer
from app.services import activity, instances
from app.transaction import rows_changed

log = structlog.get_logger(__name__)

BATCH = 10
CLAIM = timedelta(seconds=60)
"""How long a claim holds: longer than the turn of a drain and one send together. After a kill -9
the delivery is sent again when it is over."""
LONGEST_PAUSE = timedelta(hours=6)
OUTAGE_PAUSE = timedelta(seconds=30)
OUTAGE_EXCUSES = timedelta(days=1)
"""A network failure of ours costs no attempt, but not forever: a name whose own name servers
are dead looks the same from here."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One claimed delivery, with all that sending it needs."""

    id: str
    endpoint_id: str
    url: str
    body: bytes
    headers: dict[str, str]  # the endpoint's own
    secret: str
    attempts: int  # made so far
    created_at: datetime
    claimed_until: datetime

    def headers_at(self, now: datetime) -> dict[str, str]:
        """Every header of an attempt at `now` but those of the connection."""
        return self.headers | headers_for(self.secret, self.body, delivery_id=self.id, now=now)

    def __repr__(self) -> str:
        """The id alone: the rest holds secrets."""
        return f"Parcel({self.id})"


def claim(endpoint_id: str) -> list[Parcel]:
    """The endpoint's next due deliveries, which nobody else gets until the claim is over.

    A delivery that waits for its retry is not due, so it holds back none that came later.
    """
    now = utcnow()
    endpoint = db.session.get(Endpoint, endpoint_id)
    if endpoint is None or not endpoint.enabled:
        return []
    query = select(Delivery).where(Delivery.endpoint_id == endpoint_id, _due(now), _free(now))
    until = now + CLAIM
    return [
        Parcel(
            id=delivery.id,
            endpoint_id=endpoint_id,
            url=endpoint.url,
            body=delivery.body,
            headers=dict(endpoint.headers),
            secret=endpoint.secret,
            attempts=delivery.attempts,
            created_at=delivery.created_at,
            claimed_until=until,
        )
        for delivery in db.session.scalars(
            query.order_by(Delivery.due_at, Delivery.id).limit(BATCH)
        ).all()
        if _taken(delivery, now, until)
    ]


def release(parcels: list[Parcel]) -> None:
    """Gives back claimed deliveries that were not sent."""
    for parcel in parcels:
        rows_changed(update(Delivery).where(_mine(parcel)).values(claimed_until=None))


def record(parcel: Parcel, answer: Answer, *, started_at: datetime) -> None:
    """Writes down an attempt, and what follows from it: done, tried again, or given up.

    A failure on our own side is no attempt: the delivery waits and its count stays.
    """
    now = utcnow()
    if db.session.get(Delivery, parcel.id) is None:
        return  # the endpoint was deleted in the meantime
    if answer.ours and now - parcel.created_at < OUTAGE_EXCUSES:
        _settle(parcel, due_at=now + OUTAGE_PAUSE)
        log.warning("delivery.postponed", delivery=parcel.id, error=answer.error)
        return
    number = parcel.attempts + 1
    db.session.add(_attempt(parcel, answer, number=number, started_at=started_at))
    endpoint = db.session.get_one(Endpoint, parcel.endpoint_id)
    wait: timedelta | None = None
    if answer.delivered:
        _settle(parcel, status=DeliveryStatus.DELIVERED, attempts=number, finished_at=now)
    elif answer.gone or number > endpoint.max_retries:
        _settle(parcel, status=DeliveryStatus.FAILED, attempts=number, finished_at=now)
        _give_up(parcel, endpoint, answer)
    else:
        wait = _pause_after(number, endpoint, answer)
        _settle(parcel, attempts=number, due_at=now + wait)
    _log_attempt(parcel, answer, number=number, retry_in=wait)


def waiting_endpoints() -> list[str]:
    """Endpoints that something is due to while nobody is sending to them."""
    now = utcnow()
    other = aliased(Delivery)
    busy = exists().where(other.endpoint_id == Endpoint.id, other.claimed_until > now)
    due = exists().where(Delivery.endpoint_id == Endpoint.id, _due(now))
    query = select(Endpoint.id).where(Endpoint.enabled.is_(True), due, ~busy)
    return list(db.session.scalars(query))


def _due(now: datetime) -> ColumnElement[bool]:
    return and_(Delivery.status == DeliveryStatus.PENDING, Delivery.due_at <= now)


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(Delivery.claimed_until.is_(None), Delivery.claimed_until <= now)


def _taken(delivery: Delivery, now: datetime, until: datetime) -> bool:
    """Whether this caller is the one that claimed the delivery."""
    statement = update(Delivery).where(Delivery.id == delivery.id, _due(now), _free(now))
    return rows_changed(statement.values(claimed_until=until)) == 1


def _mine(parcel: Parcel) -> ColumnElement[bool]:
    return and_(Delivery.id == parcel.id, Delivery.claimed_until == parcel.claimed_until)


def _settle(parcel: Parcel, **values: Any) -> None:
    """Ends the claim with these values. What was delivered stays so, whoever holds the claim now;
    anything else is for the holder alone to say."""
    condition = _mine(parcel)
    if values.get("status") == DeliveryStatus.DELIVERED:
        condition = and_(Delivery.id == parcel.id, Delivery.status == DeliveryStatus.PENDING)
    rows_changed(update(Delivery).where(condition).values(claimed_until=None, **values))


def _attempt(parcel: Parcel, answer: Answer, *, number: int, started_at: datetime) -> Attempt:
    return Attempt(
        id=new_id("att", started_at),
        delivery_id=parcel.id,
        number=number,
        started_at=started_at,
        duration_ms=answer.duration_ms,
        status_code=answer.status,
        error=answer.error,
        answer=answer.text or None,
    )


def _pause_after(number: int, endpoint: Endpoint, answer: Answer) -> timedelta:
    """The first retry waits exactly as long as the owner chose; later ones double it, at random a
    little more or less, and none comes before the receiver's Retry-After."""
    first = timedelta(milliseconds=endpoint.retry_interval_ms)
    pause = delay_before(number, first=first, cap=LONGEST_PAUSE)
    if number > 1:
        pause = with_jitter(pause)
    return max(pause, answer.retry_after or timedelta(0))


def _give_up(parcel: Parcel, endpoint: Endpoint, answer: Answer) -> None:
    instance = db.session.get_one(Instance, endpoint.instance_id)
    activity.record(
        "webhook:delivery:failed",
        instance=instance,
        delivery=parcel.id,
        status=answer.status,
        error=answer.error,
    )
    if answer.gone:
        endpoint.enabled = False
        activity.record("webhook:endpoint:disabled", instance=instance, status=answer.status)
    instances.tell_of_change(instance)


def _log_attempt(
    parcel: Parcel, answer: Answer, *, number: int, retry_in: timedelta | None
) -> None:
    log.info(
        "delivery.attempted",
        delivery=parcel.id,
        endpoint=parcel.endpoint_id,
        number=number,
        status=answer.status,
        error=answer.error,
        duration_ms=answer.duration_ms,
        retry_in_s=retry_in.total_seconds() if retry_in else None,
    )
