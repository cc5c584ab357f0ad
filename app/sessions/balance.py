"""Moves sessions from a crowded host to one with room, gently.

New sessions go to the host with most room anyway. This is for what is left when a host restarts:
all its sessions sit on the others, and stay there. A move costs that session a reconnect of a few
seconds, so only a large difference is worth it, only sessions at rest are moved, and one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import exists, func, select, update

from app.clock import utcnow
from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.models import Chat, Host, Instance, Lease, Message
from app.sessions import draining, leases
from app.sessions.reconcile import SEEN_WITHIN
from app.transaction import rows_changed, transaction

log = structlog.get_logger(__name__)

WORTH_A_MOVE = 4
"""Sessions that one host must have room for beyond what another one has."""
AT_REST = timedelta(minutes=1)
"""Nothing was sent or received for so long, and the connection stood."""
_UNDER_WAY = (MessageStatus.QUEUED, MessageStatus.SENDING)


@dataclass(frozen=True, slots=True)
class _Load:
    host_id: str
    room: int


def balance() -> None:
    """Asks a crowded host to give one session back; run by the clock every few seconds."""
    now = utcnow()
    loads = _loads(now)
    if len(loads) < 2 or _is_moving(now):
        return
    fullest, emptiest = loads[0], loads[-1]
    if emptiest.room - fullest.room <= WORTH_A_MOVE:
        return
    instance_id = _session_at_rest(fullest.host_id, now)
    if instance_id is None:
        return
    with transaction():
        asked = update(Lease).where(
            Lease.instance_id == instance_id, Lease.host_id == fullest.host_id
        )
        if rows_changed(asked.values(give_back=True)) == 1:
            log.info("session.moves", instance_id=instance_id, host_id=fullest.host_id)


def _loads(now: datetime) -> list[_Load]:
    """The hosts that take sessions and have settled, those with least room first."""
    held = (
        select(func.count()).where(Lease.host_id == Host.id, leases.is_live(now)).scalar_subquery()
    )
    room = (Host.capacity - held).label("room")
    query = select(Host.id, room).where(
        Host.seen_at > now - SEEN_WITHIN,
        Host.draining_at.is_(None),
        Host.started_at <= now - draining.YOUNG,
    )
    return [_Load(row.id, row.room) for row in db.session.execute(query.order_by(room, Host.id))]


def _is_moving(now: datetime) -> bool:
    """Whether a session that was asked for is not given back yet."""
    asked = exists().where(Lease.give_back.is_(True), leases.is_live(now))
    return bool(db.session.scalar(select(asked)))


def _session_at_rest(host_id: str, now: datetime) -> str | None:
    """A session of this host that nobody would miss for a moment; no suspect of a crash."""
    since = now - AT_REST
    busy = exists().where(Message.instance_id == Instance.id, Message.status.in_(_UNDER_WAY))
    talking = exists().where(Chat.account_id == Instance.account_id, Chat.last_at > since)
    return db.session.scalar(
        select(Instance.id)
        .join(Lease, Lease.instance_id == Instance.id)
        .where(
            Lease.host_id == host_id,
            leases.is_live(now),
            Lease.crashes == 0,
            Instance.state == InstanceState.CONNECTED,
            Instance.state_changed_at <= since,
            ~busy,
            ~talking,
        )
        .order_by(Instance.state_changed_at, Instance.id)
        .limit(1)
    )
