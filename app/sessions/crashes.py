"""Sessions that take their host along.

A crash in the engine ends the whole process, with every session in it (a nil dereference in Go, a
key store it cannot read). A host that was killed did not crash: see life_signs.py. The rows tell
which sessions may have done it: those that were being opened, or had just been, else those that
were sending. The first time this means nothing: they are opened again at once, with the others.
Those under suspicion twice are opened last, one at a time, after growing pauses, so that the next
crash tells which it was; and that one is not opened again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import aliased

from app.clock import utcnow
from app.core.backoff import delay_before
from app.core.errors import Conflict
from app.core.states import DesiredState, InstanceState, MessageStatus
from app.extensions import db
from app.models import Instance, Lease, Message
from app.services import instances
from app.sessions import leases
from app.transaction import rows_changed

log = structlog.get_logger(__name__)

APART_FROM = 2
"""So many crashes put a session on trial."""
GIVEN_UP_AT = 4
"""So many in a row, the last one with no other suspect, and it is not opened again by itself."""
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)
TRIAL = timedelta(seconds=3)
"""Connected for less than this, a session is still being opened; on trial, the next one waits."""
FRESH = timedelta(seconds=30)
"""The same where it took longer: for suspects that no trial has cleared."""
FORGIVEN_AFTER = timedelta(minutes=10)


def count(host_ids: Collection[str]) -> None:
    """Counts the crash against the sessions that may have ended these hosts, while they still hold
    their leases. Gives up those it was counted against too often."""
    for host_id in host_ids:
        suspects = _suspects(host_id)
        for lease, instance in suspects:
            lease.crashes = _counted(lease.crashes, alone=len(suspects) == 1)
            log.warning(
                "session.suspected",
                instance_id=instance.id,
                host_id=host_id,
                crashes=lease.crashes,
                suspects=len(suspects),
            )
            _draw_consequences(instance, lease.crashes)
    db.session.flush()


def _counted(crashes: int, *, alone: bool) -> int:
    """Nobody is given up for a crash that may have been another's."""
    return crashes + 1 if alone else max(crashes, min(crashes + 1, GIVEN_UP_AT - 1))


def may_open(instance: Instance, now: datetime) -> bool:
    """Whether the instance's session may be opened now: always, but for one on trial."""
    lease = db.session.get(Lease, instance.id)
    if lease is None or lease.crashes < APART_FROM:
        return True
    due = instance.retry_at is None or instance.retry_at <= now
    return due and not db.session.scalar(select(_is_unsettled(now)))


def forgive(now: datetime) -> None:
    """Forgets the crashes of sessions that have lived well since."""
    rows_changed(update(Lease).where(_has_lived_well(now)).values(crashes=0))


def something_to_forgive(now: datetime) -> bool:
    """Asked first: looking takes no write lock."""
    return bool(db.session.scalar(select(exists().where(_has_lived_well(now)))))


def _suspects(host_id: str) -> list[tuple[Lease, Instance]]:
    """The most suspicious of the sessions this host held."""
    now = utcnow()
    query = (
        select(Lease, Instance)
        .join(Instance, Instance.id == Lease.instance_id)
        .where(Lease.host_id == host_id, leases.is_live(now))
        .order_by(Lease.instance_id)
        .execution_options(populate_existing=True)
    )
    sending = exists().where(
        Message.instance_id == Instance.id, Message.status == MessageStatus.SENDING
    )
    opening, just_open = _is_opening(now), _is_open_for_less_than(FRESH, now)
    for suspicious in (opening, just_open, sending, Lease.crashes > 0):
        found = [(row.Lease, row.Instance) for row in db.session.execute(query.where(suspicious))]
        if found:
            return found
    return []


def _is_opening(now: datetime) -> ColumnElement[bool]:
    """The engine opens the session, or opens it again, or did so this moment."""
    waits = and_(Instance.retry_at.is_not(None), Instance.retry_at > now)
    return or_(
        Instance.state == InstanceState.CONNECTING,
        and_(Instance.state == InstanceState.DISCONNECTED, ~waits),
        _is_open_for_less_than(TRIAL, now),
    )


def _is_open_for_less_than(time: timedelta, now: datetime) -> ColumnElement[bool]:
    is_connected = Instance.state == InstanceState.CONNECTED
    return and_(is_connected, Instance.state_changed_at > now - time)


def _draw_consequences(instance: Instance, crashes: int) -> None:
    if instance.desired != DesiredState.RUNNING or crashes < APART_FROM:
        return
    try:
        if crashes >= GIVEN_UP_AT:
            detail = {"times": crashes}
            instances.move(instance, InstanceState.FAILED, reason="crashes_host", detail=detail)
        else:
            retry_at = utcnow() + _pause_after(crashes)
            to, reason = InstanceState.DISCONNECTED, "crash_suspected"
            instances.move(instance, to, reason=reason, retry_at=retry_at)
    except Conflict:
        log.info("crashes.moved_meanwhile", instance_id=instance.id)


def _pause_after(crashes: int) -> timedelta:
    return delay_before(crashes - APART_FROM + 1, first=_FIRST_PAUSE, cap=_LONGEST_PAUSE)


def _is_unsettled(now: datetime) -> ColumnElement[bool]:
    """Somebody is on trial, or is opened as usual and should not be near a trial."""
    other, its = aliased(Lease), aliased(Instance)
    cleared = and_(other.crashes <= APART_FROM, its.state_changed_at <= now - TRIAL)
    lives = and_(
        its.state == InstanceState.CONNECTED, or_(cleared, its.state_changed_at <= now - FRESH)
    )
    opening = and_(
        its.state.in_({InstanceState.CONNECTING, InstanceState.DISCONNECTED}),
        its.state_changed_at > now - FRESH,
    )
    return exists().where(
        its.id == other.instance_id,
        other.expires_at > now,
        or_(and_(other.crashes >= APART_FROM, ~lives), opening),
    )


def _has_lived_well(now: datetime) -> ColumnElement[bool]:
    steady = exists().where(
        Instance.id == Lease.instance_id,
        Instance.state == InstanceState.CONNECTED,
        Instance.state_changed_at < now - FORGIVEN_AFTER,
    )
    return and_(Lease.crashes > 0, steady)
