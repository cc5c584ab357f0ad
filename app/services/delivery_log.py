"""What was sent to a webhook and what it answered: looked through, sent again, cleared away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update
from sqlalchemy.orm import defer, selectinload

from app.clock import utcnow
from app.config import current_settings
from app.core.errors import Conflict, NotFound
from app.core.events import Event, iso
from app.core.ids import first_id
from app.core.texts import N_
from app.extensions import db
from app.models import Attempt, Delivery, Endpoint, Instance
from app.models.webhook import DeliveryStatus
from app.services import outbox, webhooks
from app.services.endpoint_rules import SECRET_MIN
from app.transaction import rows_changed

PAGE_LENGTH = 50
MASK = "••••••"
CLEARED = 1000


@dataclass(frozen=True, slots=True)
class Wish:
    """What to show: everything where nothing is said."""

    status: DeliveryStatus | None = None
    event: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose deliveries: all of a person, or those to one of their webhooks, or of the events of one
    of their instances, or both. Whoever makes one has seen to it that they are theirs."""

    owner_id: str
    endpoint: Endpoint | None = None
    instance: Instance | None = None
    reach: frozenset[str] | None = None
    """Of all of a person only what these instances' own webhooks are told."""

    @classmethod
    def of(cls, endpoint: Endpoint) -> Scope:
        """Everything that goes to this webhook."""
        return cls(endpoint.owner_id, endpoint=endpoint)

    def condition(self) -> ColumnElement[bool]:
        """The same as a condition on deliveries."""
        wanted: list[ColumnElement[bool]] = []
        if self.endpoint is not None:
            wanted.append(Delivery.endpoint_id == self.endpoint.id)
        if self.instance is not None:
            wanted.append(Delivery.instance_id == self.instance.id)
        if self.reach is not None:
            wanted.append(Delivery.instance_id.in_(self.reach))
            wanted.append(Delivery.endpoint_id.in_(_of_instances(self.reach)))
        return and_(*wanted or (Delivery.owner_id == self.owner_id, _is_there(self.owner_id)))


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


def page_of(scope: Scope, wish: Wish, *, behind: str | None, limit: int = PAGE_LENGTH) -> Part:
    """The deliveries that fit, newest first, from behind the one with id `behind`. Their bodies
    are not loaded."""
    ids = select(Delivery.id).where(_fits(scope, wish))
    if behind:
        ids = ids.where(Delivery.id < behind)
    # Found in the index alone: rows are looked at only where they are shown.
    few = ids.order_by(Delivery.id.desc()).limit(limit + 1).subquery()
    query = select(Delivery).join(few, few.c.id == Delivery.id).order_by(Delivery.id.desc())
    query = query.options(
        defer(Delivery.body), selectinload(Delivery.endpoint), selectinload(Delivery.instance)
    )
    found = list(db.session.scalars(query))
    shown = found[:limit]
    last = _last_tries([one.id for one in shown])
    lines = [Line(one, last.get(one.id)) for one in shown]
    return Part(lines, shown[-1].id if len(found) > limit else None)


def replayable(scope: Scope, wish: Wish) -> dict[DeliveryStatus, int]:
    """How many finished deliveries that fit could be sent again, by where they stand."""
    query = select(Delivery.status, func.count()).where(_replayable(scope, wish))
    rows = db.session.execute(query.group_by(Delivery.status))
    return {DeliveryStatus(status): count for status, count in rows}


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


def replay_all(scope: Scope, wish: Wish) -> int:
    """Sends all finished deliveries that fit once more, under the ids they had; how many. Those of
    webhooks that are off stay as they are; raises Conflict when the scope is one of these."""
    if scope.endpoint is not None:
        _check_on(scope.endpoint)
    which = _replayable(scope, wish)
    told = select(Delivery.endpoint_id).where(which).distinct()
    endpoints = list(db.session.scalars(select(Endpoint).where(Endpoint.id.in_(told))))
    count = _send_again(which)
    for endpoint in endpoints:
        outbox.ring(endpoint.id)
        webhooks.tell_of_change(endpoint)
    return count


def send_test(endpoint: Endpoint) -> Delivery:
    """Sends the webhook an event that says nothing happened. Raises Conflict when it is off."""
    _check_on(endpoint)
    now = utcnow()
    data = {"webhookId": endpoint.id, "timestamp": iso(now)}
    told = outbox.Told(endpoint.id, endpoint.owner_id)
    delivery = outbox.add(told, endpoint.instance_id, Event.TEST, data, now)
    webhooks.tell_of_change(endpoint)
    return delivery


def clear() -> int:
    """Removes up to CLEARED finished deliveries that are older than WEBHOOK_LOG_DAYS, with their
    tries; how many there were."""
    if not (days := current_settings().webhook_log_days):
        return 0
    old = Delivery.id < first_id("dlv", utcnow() - timedelta(days=days))
    done = Delivery.status != DeliveryStatus.PENDING
    query = select(Delivery.id).where(old, done).order_by(Delivery.id).limit(CLEARED)
    ids = list(db.session.scalars(query))
    db.session.execute(delete(Delivery).where(Delivery.id.in_(ids)))
    return len(ids)


def _fits(scope: Scope, wish: Wish) -> ColumnElement[bool]:
    """Times are those in the ids, which the log is in the order of."""
    wanted = [scope.condition()]
    if wish.status:
        wanted.append(Delivery.status == wish.status)
    if wish.event:
        wanted.append(Delivery.event == wish.event)
    if wish.since:
        wanted.append(Delivery.id >= first_id("dlv", wish.since))
    if wish.until:
        wanted.append(Delivery.id < first_id("dlv", wish.until))
    return and_(*wanted)


def _replayable(scope: Scope, wish: Wish) -> ColumnElement[bool]:
    """Finished ones of webhooks that are on."""
    on = select(Endpoint.id).where(Endpoint.owner_id == scope.owner_id, Endpoint.enabled.is_(True))
    finished = Delivery.status != DeliveryStatus.PENDING
    return and_(_fits(scope, wish), finished, Delivery.endpoint_id.in_(on))


def _of_instances(ids: frozenset[str]) -> Select[str]:
    """The webhooks of these instances, without those for all instances."""
    return select(Endpoint.id).where(Endpoint.instance_id.in_(ids))


def _is_there(owner_id: str) -> ColumnElement[bool]:
    """Not of an instance that is being deleted."""
    deleted = select(Instance.id).where(
        Instance.owner_id == owner_id, Instance.deleted_at.is_not(None)
    )
    return or_(Delivery.instance_id.is_(None), Delivery.instance_id.not_in(deleted))


def _last_tries(ids: Sequence[str]) -> dict[str, Attempt]:
    """The latest try of each of these deliveries."""
    return {one.delivery_id: one for one in sorted(_tries_of(ids), key=lambda one: one.id)}


def _tries_of(ids: Sequence[str]) -> list[Attempt]:
    query = select(Attempt).where(Attempt.delivery_id.in_(ids)).options(defer(Attempt.answer))
    return list(db.session.scalars(query))


def _check_on(endpoint: Endpoint) -> None:
    if not endpoint.enabled:
        raise Conflict(N_("This webhook is off: switch it on first."), code="webhook_off")


def _send_again(which: ColumnElement[bool]) -> int:
    """Due at once, with all its tries before it, however many there were."""
    values: dict[str, Any] = {"status": DeliveryStatus.PENDING, "attempts": 0, "due_at": utcnow()}
    values |= {"finished_at": None, "claimed_until": None}
    return rows_changed(update(Delivery).where(which).values(values))
