"""How the deployment does: sessions, hosts, what waits, and how much room is left.

For the monitoring and the page of administrators. Everything is counted along an index, and costs
as much as what waits now, never as much as what was ever stored.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select, text
from sqlalchemy.orm import InstrumentedAttribute

from app.clock import utcnow
from app.config import current_settings
from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.models import Delivery, Endpoint, Host, Instance, Lease, Message
from app.models.base import Base
from app.models.webhook import DeliveryStatus

HOST_SEEN_WITHIN = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits, and how long the one that is due longest has been."""

    waiting: int
    overdue: float  # seconds


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A process that holds sessions."""

    id: str
    name: str
    sessions: int
    capacity: int
    memory_mib: int | None
    started_at: datetime
    seen_at: datetime
    is_leaving: bool

    @property
    def is_silent(self) -> bool:
        """Whether it was not seen for a while."""
        return self.seen_at < utcnow() - HOST_SEEN_WITHIN


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system of DATA_DIR, in bytes."""

    size: int
    free: int

    @property
    def percent_used(self) -> int:
        """How much of it is used."""
        return 100 - 100 * self.free // self.size if self.size else 0


def instances() -> dict[InstanceState, int]:
    """How many instances are in each state; states without one are there, too."""
    query = select(Instance.state, func.count()).where(Instance.deleted_at.is_(None))
    found = dict(db.session.execute(query.group_by(Instance.state)).all())
    return {state: found.get(state, 0) for state in InstanceState}


def messages() -> Backlog:
    """Messages in the queues of all instances."""
    queued = (Message.instance_id == Instance.id, Message.status == MessageStatus.QUEUED)
    return _backlog(Instance, Message.id, Message.due_at, *queued)


def deliveries() -> Backlog:
    """Events that are due to the webhooks of everybody."""
    pending = (Delivery.endpoint_id == Endpoint.id, Delivery.status == DeliveryStatus.PENDING)
    return _backlog(Endpoint, Delivery.id, Delivery.due_at, *pending)


def endpoints() -> dict[str, int]:
    """How many webhooks are active, paused because they keep failing, and off."""
    is_off, is_paused = Endpoint.enabled.is_(False), Endpoint.broken_since.is_not(None)
    stands = case((is_off, "off"), (is_paused, "paused"), else_="active").label("stands")
    query = select(stands, func.count()).group_by("stands")
    found: dict[str, int] = dict(db.session.execute(query).all())
    return {name: found.get(name, 0) for name in ("active", "paused", "off")}


def hosts() -> list[HostFacts]:
    """The hosts of all machines, the oldest first."""
    held = select(func.count()).where(Lease.host_id == Host.id).scalar_subquery()
    rows = db.session.execute(select(Host, held).order_by(Host.id))
    return [
        HostFacts(
            id=host.id,
            name=host.name,
            sessions=sessions or 0,
            capacity=host.capacity,
            memory_mib=host.memory_mib,
            started_at=host.started_at,
            seen_at=host.seen_at,
            is_leaving=host.draining_at is not None,
        )
        for host, sessions in rows
    ]


def database_bytes() -> int:
    """How large the database is."""
    if current_settings().uses_postgres:
        return _number("SELECT pg_database_size(current_database())")
    return _number("PRAGMA page_count") * _number("PRAGMA page_size")


def database_name() -> str:
    """Which kind it is."""
    return "PostgreSQL" if current_settings().uses_postgres else "SQLite"


def database_version() -> str:
    """Its version."""
    on_postgres = current_settings().uses_postgres
    ask = "SHOW server_version" if on_postgres else "SELECT sqlite_version()"
    return str(db.session.execute(text(ask)).scalar_one()).split()[0]


def disk() -> Disk:
    """How much room is left where DATA_DIR is."""
    found = shutil.disk_usage(current_settings().data_dir)
    return Disk(size=found.total, free=found.free)


def _backlog(
    holder: type[Base],
    id_: InstrumentedAttribute[str],
    due_at: InstrumentedAttribute[datetime],
    *waits: ColumnElement[bool],
) -> Backlog:
    """Two seeks in an index for each holder; a join would read all that was ever stored."""
    number = select(func.count(id_)).where(*waits).correlate(holder).scalar_subquery()
    oldest = select(func.min(due_at)).where(*waits).correlate(holder).scalar_subquery()
    of_each = select(number.label("number"), oldest.label("oldest")).select_from(holder).subquery()
    query = select(func.sum(of_each.c.number), func.min(of_each.c.oldest))
    waiting, first = db.session.execute(query).one()
    late = (utcnow() - first).total_seconds() if first else 0.0
    return Backlog(int(waiting or 0), max(0.0, late))


def _number(statement: str) -> int:
    return int(db.session.execute(text(statement)).scalar_one())
