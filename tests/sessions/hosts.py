"""What the tests of the clock's part share: hosts and sessions as rows."""

from __future__ import annotations

from datetime import timedelta

from app.clock import utcnow
from app.core.states import DesiredState, InstanceState
from app.extensions import db
from app.models import Host, Instance, Lease, User
from app.sessions import leases
from app.transaction import transaction
from tests import factories

OLD = timedelta(hours=1)


def host(host_id: str, *, capacity: int = 10, age: timedelta = OLD) -> str:
    """A host that is seen."""
    now = utcnow()
    with transaction() as session:
        session.add(
            Host(id=host_id, name=host_id, capacity=capacity, started_at=now - age, seen_at=now)
        )
    return host_id


def held(
    owner: User,
    host_id: str,
    *,
    state: InstanceState = InstanceState.CONNECTED,
    age: timedelta = OLD,
    crashes: int = 0,
) -> Instance:
    """An instance whose session this host holds, in its state since `age`."""
    instance = factories.instance(
        owner, state=state, desired=DesiredState.RUNNING, state_changed_at=utcnow() - age
    )
    factories.linked_account(instance)
    with transaction() as session:
        assert leases.offer(instance.id, host_id)
        assert leases.take_up(instance.id, host_id)
        session.get_one(Lease, instance.id).crashes = crashes
    return instance


def lease_of(instance: Instance) -> Lease:
    """The lease's row as it is now."""
    db.session.rollback()
    return db.session.get_one(Lease, instance.id, populate_existing=True)


def holder_of(instance: Instance) -> str | None:
    """Who holds the session, or was offered it."""
    lease = lease_of(instance)
    return lease.host_id if lease.expires_at > utcnow() else None
