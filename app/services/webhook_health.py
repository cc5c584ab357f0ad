"""How webhooks do: reckoned from their latest deliveries when somebody looks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from sqlalchemy import Select, func, select, union_all

from app.extensions import db
from app.models import Attempt, Delivery, Endpoint
from app.models.webhook import DeliveryStatus

LOOKED_AT = 100
"""Finished deliveries of each webhook that its health is reckoned from."""
_AT_ONCE = 50
"""Webhooks in one query: SQLite joins 500 at most."""


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
        """How many of the finished ones arrived; None before the first. Never rounded up to all."""
        return 100 * self.delivered // self.finished if self.finished else None


def health_of(endpoint: Endpoint) -> Health:
    """How the webhook does."""
    return health_of_each([endpoint])[endpoint.id]


def health_of_each(endpoints: Sequence[Endpoint]) -> dict[str, Health]:
    """How each of the webhooks does, by its id, in two queries for every 50 of them."""
    found: dict[str, Health] = {}
    for start in range(0, len(endpoints), _AT_ONCE):
        found |= _health_of_some(endpoints[start : start + _AT_ONCE])
    return found


def _health_of_some(endpoints: Sequence[Endpoint]) -> dict[str, Health]:
    ids = [endpoint.id for endpoint in endpoints]
    latest, counts = _latest_of(ids), _counts_of(ids)
    return {
        one.id: Health(
            finished=len(latest[one.id].statuses),
            delivered=latest[one.id].delivered,
            waiting=counts.get((one.id, DeliveryStatus.PENDING), 0),
            failed=counts.get((one.id, DeliveryStatus.FAILED), 0),
            median_ms=latest[one.id].median_ms,
            error=one.last_error,
            error_at=one.last_error_at,
        )
        for one in endpoints
    }


class _Latest:
    """The latest finished deliveries of one webhook, and how long their tries took."""

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.durations: list[int] = []

    @property
    def delivered(self) -> int:
        return sum(one == DeliveryStatus.DELIVERED for one in self.statuses.values())

    @property
    def median_ms(self) -> int | None:
        return round(median(self.durations)) if self.durations else None


def _latest_of(ids: Iterable[str]) -> dict[str, _Latest]:
    """By the webhook's id. Each is a seek of its own in the log's index, all of them one query."""
    found = {endpoint_id: _Latest() for endpoint_id in ids}
    few = union_all(*(_newest_finished(endpoint_id) for endpoint_id in found)).subquery()
    query = select(few.c.endpoint_id, few.c.id, few.c.status, Attempt.duration_ms)
    query = query.outerjoin(Attempt, Attempt.delivery_id == few.c.id)
    for endpoint_id, delivery_id, status, duration_ms in db.session.execute(query):
        found[endpoint_id].statuses[delivery_id] = status
        if duration_ms is not None:
            found[endpoint_id].durations.append(duration_ms)
    return found


def _newest_finished(endpoint_id: str) -> Select[str, str, DeliveryStatus]:
    query = select(Delivery.endpoint_id, Delivery.id, Delivery.status).where(
        Delivery.endpoint_id == endpoint_id, Delivery.status != DeliveryStatus.PENDING
    )
    return select(query.order_by(Delivery.id.desc()).limit(LOOKED_AT).subquery())


def _counts_of(ids: Iterable[str]) -> dict[tuple[str, str], int]:
    """How many wait and how many failed, by webhook and status."""
    wanted = (DeliveryStatus.PENDING, DeliveryStatus.FAILED)
    query = select(Delivery.endpoint_id, Delivery.status, func.count())
    query = query.where(Delivery.endpoint_id.in_(ids), Delivery.status.in_(wanted))
    rows = db.session.execute(query.group_by(Delivery.endpoint_id, Delivery.status))
    return {(endpoint_id, status): count for endpoint_id, status, count in rows}
