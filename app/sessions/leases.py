"""Leases: the right to run one instance's session, as rows with an epoch.

The clock offers a lease to a host; the host takes it up, keeps renewing it, and gives it back.
Every write that a host makes for a session happens inside `holding`, which touches the lease's row
first: a host that lost its lease gets LeaseLost there and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from app.clock import utcnow
from app.extensions import db
from app.models import Lease
from app.transaction import rows_changed, transaction

LASTS = timedelta(seconds=25)
"""A lease that was not renewed for this long is free. Hosts renew every 5 s."""
OFFER_LASTS = timedelta(seconds=10)
"""How long a host has to take up what it was offered."""


class LeaseLost(Exception):
    """This host does not hold the lease any more: it drops the session and writes nothing."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a host knows of a lease it holds."""

    instance_id: str
    host_id: str
    epoch: int
    taken_over: bool = False  # from a host that did not release it, and may still run

    @property
    def mine(self) -> ColumnElement[bool]:
        """True for the lease's row as long as it is held."""
        return and_(
            Lease.instance_id == self.instance_id,
            Lease.host_id == self.host_id,
            Lease.epoch == self.epoch,
        )


@contextmanager
def holding(held: Held) -> Iterator[Session]:
    """A transaction in which the lease cannot be taken away. Raises LeaseLost, having done nothing.

    The UPDATE locks the row where the database has row locks; on SQLite the transaction holds the
    only write lock anyway.
    """
    with transaction() as session:
        renewed = update(Lease).where(held.mine).values(expires_at=utcnow() + LASTS)
        if rows_changed(renewed) != 1:
            raise LeaseLost(held.instance_id)
        yield session


def is_live(now: datetime) -> ColumnElement[bool]:
    """True for leases that somebody holds, or was offered, at `now`."""
    return Lease.expires_at > now


def offer(instance_id: str, host_id: str) -> bool:
    """Whether `host_id` may take up the lease now: it was free, and waits for that host."""
    now = utcnow()
    fresh = {"host_id": host_id, "expires_at": now + OFFER_LASTS, "give_back": False}
    free = update(Lease).where(Lease.instance_id == instance_id, Lease.expires_at <= now)
    if rows_changed(free.values(epoch=Lease.epoch + 1, **fresh)) == 1:
        return True
    if db.session.get(Lease, instance_id, populate_existing=True) is not None:
        return False
    db.session.add(Lease(instance_id=instance_id, epoch=1, released=True, **fresh))
    db.session.flush()
    return True


def take_up(instance_id: str, host_id: str) -> Held | None:
    """The lease, if it is offered to this host and did not run out meanwhile."""
    now = utcnow()
    lease = db.session.get(Lease, instance_id, populate_existing=True, with_for_update=True)
    if lease is None or lease.host_id != host_id or lease.expires_at <= now:
        return None
    taken_over = not lease.released
    lease.expires_at, lease.released = now + LASTS, False
    db.session.flush()
    return Held(instance_id, host_id, lease.epoch, taken_over)


def of_host(host_id: str) -> dict[str, int]:
    """The live leases of a host: instance id and epoch."""
    query = select(Lease.instance_id, Lease.epoch)
    rows = db.session.execute(query.where(Lease.host_id == host_id, is_live(utcnow())))
    return {row.instance_id: row.epoch for row in rows}


def wanted_back(host_id: str) -> set[str]:
    """The instances whose leases this host is asked to give back."""
    query = select(Lease.instance_id).where(Lease.host_id == host_id, Lease.give_back.is_(True))
    return set(db.session.scalars(query))


def renew(held: list[Held]) -> None:
    """Prolongs the leases that are still held; what was lost, `of_host` shows."""
    for one in held:
        rows_changed(update(Lease).where(one.mine).values(expires_at=utcnow() + LASTS))


def release_all(host_id: str) -> None:
    """Gives back the leases of a host that is gone."""
    gone = update(Lease).where(Lease.host_id == host_id, is_live(utcnow()))
    rows_changed(gone.values(expires_at=utcnow(), released=True))


def release(held: Held) -> None:
    """Gives the lease back; does nothing when it was lost."""
    rows_changed(update(Lease).where(held.mine).values(expires_at=utcnow(), released=True))
