"""The clock's part: finds sessions that should run and do not, and hosts for them."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from redis.exceptions import RedisError
from sqlalchemy import Select, delete, exists, func, select

from app import bell
from app.clock import utcnow
from app.config import Settings, current_settings
from app.core.errors import Conflict
from app.core.states import DesiredState, InstanceState
from app.extensions import db
from app.models import Host, Instance, Lease, LinkedAccount
from app.services import instances
from app.services import sessions as wishes
from app.sessions import crashes, leases, life_signs
from app.sessions.lifecycle import queue_of
from app.transaction import again_when_beaten, transaction

log = structlog.get_logger(__name__)

OPEN_JOB = "app.jobs.sessions.open_session"
SEEN_WITHIN = timedelta(seconds=15)
"""A host that was seen more recently may be given sessions."""
GONE_AFTER = timedelta(minutes=2)
_HELD_OPEN = {InstanceState.CONNECTING, InstanceState.CONNECTED}
_OPENABLE = _HELD_OPEN | {InstanceState.DISCONNECTED, InstanceState.STOPPED}


@again_when_beaten
def reconcile() -> None:
    """One look at what is wanted and what runs; run by the clock every few seconds."""
    settings = current_settings()
    _end_hung(settings)
    dead = life_signs.dead(settings)
    if not dead and not _something_to_do(utcnow()):
        return
    with transaction():
        gone = [*dead, *_not_seen()]
        crashes.count([one for one in dead if life_signs.crashed(settings, one)])
        _forget_hosts(gone)
        now = utcnow()
        crashes.forgive(now)
        for instance in db.session.scalars(_without_host(now, DesiredState.SIGNED_OUT)).all():
            wishes.signed_out(instance, heard=False)
        for instance in db.session.scalars(_without_host(now, DesiredState.RUNNING)).all():
            _say_that_nobody_holds(instance)
            if crashes.may_open(instance, now):
                _find_host(instance, now)
    for host_id in gone:
        _drop_queue(host_id)
        life_signs.bury(settings, host_id)


def reconcile_at_start() -> None:
    """The first look after a start, by the host that is up last: the clock would come seconds
    later, and one that came earlier would give all sessions to the host that was first."""
    settings = current_settings()
    if len(life_signs.living(settings)) >= settings.session_hosts:
        reconcile()


def _end_hung(settings: Settings) -> None:
    """Kills hosts of this machine that let their leases run out although they live.

    One that was stopped, or hangs, may go on at any moment, and the engine in it is back on the
    line before we are: it would take the sessions from the host that has them now, on the same
    keys. So it is gone before its sessions are offered to another.
    """
    late = utcnow() - leases.LASTS
    query = select(Host.id).where(Host.id.in_(life_signs.living(settings)), Host.seen_at < late)
    for host_id in db.session.scalars(query):
        log.error("host.hung", host_id=host_id)
        life_signs.end(settings, host_id)
    db.session.rollback()


def _something_to_do(now: datetime) -> bool:
    """Asked first: looking takes no write lock."""
    wanting = [_without_host(now, wish) for wish in (DesiredState.RUNNING, DesiredState.SIGNED_OUT)]
    if any(db.session.scalar(select(query.exists())) for query in wanting):
        return True
    return bool(_not_seen()) or crashes.something_to_forgive(now)


def _without_host(now: datetime, wish: DesiredState) -> Select[Instance]:
    """Linked instances that nobody holds, in a state that can be opened; suspects come last."""
    held = exists().where(Lease.instance_id == Instance.id, leases.is_live(now))
    crashes_of = select(Lease.crashes).where(Lease.instance_id == Instance.id).scalar_subquery()
    return (
        select(Instance)
        .join(LinkedAccount, LinkedAccount.id == Instance.account_id)
        .where(
            Instance.desired == wish,
            Instance.state.in_(_OPENABLE),
            LinkedAccount.unlinked_at.is_(None),
            ~held,
        )
        .order_by(func.coalesce(crashes_of, 0), Instance.state_changed_at)
    )


def _say_that_nobody_holds(instance: Instance) -> None:
    """A state that only a host can keep is not true without one."""
    if instance.instance_state is InstanceState.CONNECTED:
        try:
            instances.move(instance, InstanceState.DISCONNECTED, reason="host_lost")
        except Conflict:
            log.info("reconcile.moved_meanwhile", instance_id=instance.id)


def _find_host(instance: Instance, now: datetime) -> None:
    host_id = _roomiest(now)
    if host_id is None:
        log.warning("reconcile.no_host", instance_id=instance.id)
        return
    if leases.offer(instance.id, host_id):
        bell.enqueue(queue_of(host_id), OPEN_JOB, instance.id)


def _roomiest(now: datetime) -> str | None:
    """The host with most room among those seen lately."""
    taken = (
        select(func.count()).where(Lease.host_id == Host.id, leases.is_live(now)).scalar_subquery()
    )
    return db.session.scalar(
        select(Host.id)
        .where(Host.seen_at > now - SEEN_WITHIN, Host.draining_at.is_(None), taken < Host.capacity)
        .order_by((Host.capacity - taken).desc(), Host.id)
        .limit(1)
    )


def _not_seen() -> list[str]:
    """The ids of hosts that were not seen for long."""
    return list(db.session.scalars(select(Host.id).where(Host.seen_at < utcnow() - GONE_AFTER)))


def _forget_hosts(host_ids: list[str]) -> None:
    """Removes the hosts' rows and takes their leases."""
    for host_id in host_ids:
        log.warning("host.gone", host_id=host_id)
        leases.release_all(host_id)
    db.session.execute(delete(Host).where(Host.id.in_(host_ids)))


def _drop_queue(host_id: str) -> None:
    """What waits in the queue of a host that is gone is offered to another one."""
    try:
        bell.queue(queue_of(host_id)).delete(delete_jobs=True)
    except RedisError as error:
        log.warning("bell.silent", queue=queue_of(host_id), error=str(error))
