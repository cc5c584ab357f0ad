"""The outbox's other end: what is due is claimed, sent by a job, and recorded here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from sqlalchemy import ColumnElement, and_, exists, insert, or_, select, update
from sqlalchemy.orm import aliased

from app.clock import utcnow
from app.core.backoff import delay_before, with_jitter
from app.core.events import Event, iso
from app.core.ids import new_id
from app.core.signing import headers_for
from app.extensions import db
from app.models import Attempt, Delivery, Endpoint, Instance
from app.models.webhook import DeliveryStatus
from app.outgoing.sender import Answer
from app.services import activity, breaker, counting, metering, outbox, webhooks
from app.transaction import rows_changed

log = structlog.get_logger(__name__)

BATCH = 50
CLAIM = timedelta(seconds=60)
"""How long a claim holds: longer than the turn of a drain and one send together. After a kill -9
the delivery is sent again when it is over."""
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
    former: str | None  # the secret before it, while that counts
    timeout: float  # seconds
    verify_tls: bool
    attempts: int  # made so far
    created_at: datetime
    claimed_until: datetime

    def headers_at(self, now: datetime) -> dict[str, str]:
        """Every header of an attempt at `now` but those of the connection."""
        return self.headers | headers_for(
            self.secret, self.body, delivery_id=self.id, now=now, former=self.former
        )

    def __repr__(self) -> str:
        """The id alone: the rest holds secrets."""
        return f"Parcel({self.id})"


def claim(endpoint_id: str) -> list[Parcel]:
    """The endpoint's next due deliveries, which nobody else gets until the claim is over.

    A delivery that waits for its retry is not due, so it holds back none that came later. Of a
    paused endpoint one is claimed, once it is time to look whether it answers again.
    """
    now = utcnow()
    endpoint = db.session.get(Endpoint, endpoint_id)
    if endpoint is None or not endpoint.enabled or not breaker.lets_through(endpoint, now):
        return []
    query = select(Delivery).where(Delivery.endpoint_id == endpoint_id, _free(now))
    if endpoint.broken_since is None:
        query = query.where(_due(now)).limit(BATCH)
    else:
        query = query.where(Delivery.status == DeliveryStatus.PENDING).limit(1)
    query = query.order_by(Delivery.due_at, Delivery.id).with_for_update(skip_locked=True)
    found = list(db.session.scalars(query))
    until = now + CLAIM
    mine = Delivery.id.in_([delivery.id for delivery in found])
    rows_changed(update(Delivery).where(mine).values(claimed_until=until))
    return [_parcel(endpoint, delivery, now, until) for delivery in found]


def _parcel(endpoint: Endpoint, delivery: Delivery, now: datetime, until: datetime) -> Parcel:
    return Parcel(
        id=delivery.id,
        endpoint_id=endpoint.id,
        url=endpoint.url,
        body=delivery.body,
        headers=dict(endpoint.headers),
        secret=endpoint.secret,
        former=endpoint.former_at(now),
        timeout=endpoint.timeout_ms / 1000,
        verify_tls=endpoint.verify_tls,
        attempts=delivery.attempts,
        created_at=delivery.created_at,
        claimed_until=until,
    )


def release(parcels: list[Parcel]) -> None:
    """Gives back claimed deliveries that were not sent."""
    for parcel in parcels:
        rows_changed(update(Delivery).where(_mine(parcel)).values(claimed_until=None))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A try that was made, to be written down."""

    parcel: Parcel
    answer: Answer
    started_at: datetime


def record(outcomes: Sequence[Outcome]) -> None:
    """Writes down tries at one endpoint, and what follows from each: done, tried again, or given
    up. A failure on our own side is no try: the delivery waits and its count stays."""
    _record_delivered([one for one in outcomes if one.answer.delivered])
    for one in outcomes:
        if not one.answer.delivered:
            _record_failed(one)


def _record_delivered(outcomes: list[Outcome]) -> None:
    """All of them in three statements. What was delivered stays so, whoever holds its claim now."""
    ids = [one.parcel.id for one in outcomes]
    query = select(Delivery.id, Delivery.owner_id, Delivery.instance_id).where(Delivery.id.in_(ids))
    there = {row.id: (row.owner_id, row.instance_id) for row in db.session.execute(query)}
    outcomes = [one for one in outcomes if one.parcel.id in there]  # else deleted meanwhile
    if not outcomes:
        return
    db.session.execute(insert(Attempt), [_attempt(one) for one in outcomes])
    pending = and_(Delivery.id.in_(ids), Delivery.status == DeliveryStatus.PENDING)
    done = {"status": DeliveryStatus.DELIVERED, "finished_at": utcnow(), "claimed_until": None}
    rows_changed(update(Delivery).where(pending).values(attempts=Delivery.attempts + 1, **done))
    breaker.succeeded(outcomes[0].parcel.endpoint_id)
    for one in outcomes:
        _count_call(one, *there[one.parcel.id])
        _log_attempt(one)


def _record_failed(outcome: Outcome) -> None:
    parcel, answer, now = outcome.parcel, outcome.answer, utcnow()
    delivery = db.session.get(Delivery, parcel.id)
    if delivery is None:
        return  # the endpoint was deleted in the meantime
    if answer.ours and now - parcel.created_at < OUTAGE_EXCUSES:
        _settle(parcel, due_at=now + OUTAGE_PAUSE)
        log.warning("delivery.postponed", delivery=parcel.id, error=answer.error)
        return
    number = parcel.attempts + 1
    db.session.add(Attempt(**_attempt(outcome)))
    _count_call(outcome, delivery.owner_id, delivery.instance_id)
    endpoint = db.session.get_one(Endpoint, parcel.endpoint_id)
    wait: timedelta | None = None
    endpoint.last_error = answer.error or str(answer.status)
    endpoint.last_error_at = outcome.started_at
    paused = endpoint.broken_since is not None  # then it was a probe, which costs no delivery
    if answer.gone or (number > endpoint.max_retries and not paused):
        _settle(parcel, status=DeliveryStatus.FAILED, attempts=number, finished_at=now)
        _give_up(delivery, endpoint, answer)
    else:
        wait = _pause_after(number, endpoint, answer)
        _settle(parcel, attempts=number, due_at=now + wait)
    if not answer.gone and breaker.failed(endpoint):
        _tell_others(delivery, endpoint, reason="failing")
    _log_attempt(outcome, retry_in=wait)


def is_paused(endpoint_id: str) -> bool:
    """Whether the endpoint kept failing, was switched off or deleted: nothing more is for it."""
    query = select(Endpoint.id).where(Endpoint.id == endpoint_id, Endpoint.enabled.is_(True))
    return db.session.scalar(query.where(Endpoint.broken_since.is_(None))) is None


def waiting_endpoints() -> list[str]:
    """Endpoints that something is due to while nobody is sending to them."""
    now = utcnow()
    other = aliased(Delivery)
    busy = exists().where(other.endpoint_id == Endpoint.id, other.claimed_until > now)
    due = exists().where(Delivery.endpoint_id == Endpoint.id, _due(now))
    query = select(Endpoint.id).where(
        Endpoint.enabled.is_(True), ~busy, breaker.open_at(now), or_(due, breaker.probed_at(now))
    )
    return list(db.session.scalars(query))


def _due(now: datetime) -> ColumnElement[bool]:
    return and_(Delivery.status == DeliveryStatus.PENDING, Delivery.due_at <= now)


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(Delivery.claimed_until.is_(None), Delivery.claimed_until <= now)


def _mine(parcel: Parcel) -> ColumnElement[bool]:
    return and_(Delivery.id == parcel.id, Delivery.claimed_until == parcel.claimed_until)


def _settle(parcel: Parcel, **values: Any) -> None:
    """Ends the claim with these values, which is for its holder alone to do."""
    rows_changed(update(Delivery).where(_mine(parcel)).values(claimed_until=None, **values))


def _attempt(outcome: Outcome) -> dict[str, Any]:
    answer = outcome.answer
    return {
        "id": new_id("att", outcome.started_at),
        "delivery_id": outcome.parcel.id,
        "number": outcome.parcel.attempts + 1,
        "started_at": outcome.started_at,
        "duration_ms": answer.duration_ms,
        "status_code": answer.status,
        "error": answer.error,
        "answer": answer.text or None,
    }


def _pause_after(number: int, endpoint: Endpoint, answer: Answer) -> timedelta:
    """The first retry waits exactly as long as the owner chose; later ones double it, at random a
    little more or less, and none comes before the receiver's Retry-After."""
    first = timedelta(milliseconds=endpoint.retry_interval_ms)
    cap = timedelta(milliseconds=endpoint.max_interval_ms)
    pause = delay_before(number, first=first, cap=cap)
    if number > 1:
        pause = with_jitter(pause)
    return max(pause, answer.retry_after or timedelta(0))


def _give_up(delivery: Delivery, endpoint: Endpoint, answer: Answer) -> None:
    told = db.session.get(Instance, delivery.instance_id) if delivery.instance_id else None
    activity.record(
        "webhook:delivery:failed",
        instance=told,
        owner_id=endpoint.owner_id,
        delivery=delivery.id,
        status=answer.status,
        error=answer.error,
    )
    if answer.gone:
        endpoint.enabled = False
        kind = "webhook:endpoint:disabled"
        whose, owner_id = endpoint.instance or told, endpoint.owner_id
        activity.record(kind, instance=whose, owner_id=owner_id, status=answer.status)
        db.session.flush()  # this endpoint is not told of it
        _tell_others(delivery, endpoint, reason="gone")
    webhooks.tell_of_change(endpoint)


def _tell_others(delivery: Delivery, endpoint: Endpoint, *, reason: str) -> None:
    """That `endpoint` was switched off, at the delivery that brought it about. One of no instance
    is told of to all webhooks of the person."""
    data = {
        "webhookId": endpoint.id,
        "host": urlsplit(endpoint.url).hostname,  # the rest may hold a token of that receiver
        "reason": reason,
        "timestamp": iso(utcnow()),
    }
    if delivery.instance_id is None:
        outbox.emit_to_person(endpoint.owner_id, Event.WEBHOOK_DISABLED, data)
    else:
        outbox.emit(delivery.instance_id, Event.WEBHOOK_DISABLED, data)


def _result_of(answer: Answer) -> str:
    if answer.delivered:
        return "delivered"
    return "refused" if answer.status is not None else "unreachable"


def _count_call(outcome: Outcome, owner_id: str, instance_id: str | None) -> None:
    answer = outcome.answer
    counting.webhook_call(
        owner_id,
        instance_id,
        outcome.started_at,
        delivered=answer.delivered,
        milliseconds=answer.duration_ms,
    )


def _log_attempt(outcome: Outcome, *, retry_in: timedelta | None = None) -> None:
    parcel, answer = outcome.parcel, outcome.answer
    metering.tried(answer.duration_ms, _result_of(answer))
    log.info(
        "delivery.attempted",
        delivery=parcel.id,
        endpoint=parcel.endpoint_id,
        number=parcel.attempts + 1,
        status=answer.status,
        error=answer.error,
        duration_ms=answer.duration_ms,
        retry_in_s=retry_in.total_seconds() if retry_in else None,
    )
