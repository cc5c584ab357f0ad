"""The clock's part: who opens what, and what is said while nobody does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
import time_machine

from app import bell
from app.clock import utcnow
from app.config import Settings
from app.core.states import DesiredState, InstanceState
from app.extensions import db
from app.models import Host, Instance, Lease, LinkedAccount, User
from app.sessions import leases, life_signs
from app.sessions.lifecycle import queue_of
from app.sessions.reconcile import GONE_AFTER, SEEN_WITHIN, reconcile
from app.transaction import transaction
from tests import factories
from tests.waiting import wait_for

pytestmark = pytest.mark.usefixtures("app_context")


def host(host_id: str, *, capacity: int = 10, ago: timedelta = timedelta()) -> str:
    with transaction() as session:
        seen_at = utcnow() - ago
        session.add(
            Host(id=host_id, name=host_id, capacity=capacity, started_at=seen_at, seen_at=seen_at)
        )
    return host_id


def wanted(owner: User, state: InstanceState = InstanceState.CONNECTING) -> Instance:
    instance = factories.instance(owner, state=state, desired=DesiredState.RUNNING)
    factories.linked_account(instance)
    return instance


def holder_of(instance: Instance) -> str | None:
    db.session.rollback()
    lease = db.session.get(Lease, instance.id)
    return lease.host_id if lease and lease.expires_at > utcnow() else None


def state_of(instance: Instance) -> tuple[str, str | None]:
    db.session.rollback()
    found = db.session.get_one(Instance, instance.id)
    return found.state, found.reason


def hold(instance: Instance, host_id: str) -> leases.Held:
    with transaction():
        assert leases.offer(instance.id, host_id)
        held = leases.take_up(instance.id, host_id)
    assert held is not None
    return held


def test_wanted_session_is_offered_to_a_host_and_rung_for(bob: User) -> None:
    instance = wanted(bob)
    host("hst_a")

    reconcile()

    assert holder_of(instance) == "hst_a"
    (job,) = bell.queue(queue_of("hst_a")).jobs
    assert list(job.args) == [instance.id]


def test_sessions_are_spread_evenly(bob: User) -> None:
    instances = [wanted(bob) for _ in range(6)]
    for name in ("hst_a", "hst_b", "hst_c"):
        host(name)

    reconcile()

    holders = [holder_of(instance) for instance in instances]
    assert sorted(map(str, holders)) == ["hst_a"] * 2 + ["hst_b"] * 2 + ["hst_c"] * 2


def test_host_gets_no_more_than_it_can_hold(bob: User) -> None:
    instances = [wanted(bob) for _ in range(3)]
    host("hst_a", capacity=2)

    reconcile()

    assert [holder_of(instance) for instance in instances].count("hst_a") == 2


def test_host_that_was_not_seen_lately_gets_nothing(bob: User) -> None:
    instance = wanted(bob)
    host("hst_a", ago=SEEN_WITHIN + timedelta(seconds=1))

    reconcile()

    assert holder_of(instance) is None


@pytest.mark.parametrize(
    "state",
    [InstanceState.LOGGED_OUT, InstanceState.FAILED, InstanceState.PAIRING, InstanceState.CREATED],
)
def test_instance_that_cannot_be_opened_is_left_alone(bob: User, state: InstanceState) -> None:
    instance = wanted(bob, state)
    host("hst_a")

    reconcile()

    assert holder_of(instance) is None


def test_unlinked_account_is_not_opened(bob: User) -> None:
    instance = wanted(bob)
    with transaction() as session:
        account = session.get_one(LinkedAccount, str(instance.account_id))
        account.unlinked_at = utcnow()
    host("hst_a")

    reconcile()

    assert holder_of(instance) is None


def test_held_session_is_not_offered_again(bob: User) -> None:
    instance = wanted(bob)
    host("hst_a")
    host("hst_b")
    held = hold(instance, "hst_b")

    reconcile()

    assert holder_of(instance) == "hst_b"
    assert db.session.get_one(Lease, instance.id).epoch == held.epoch


def test_session_of_a_host_that_fell_silent_goes_to_another_one(bob: User) -> None:
    instance = wanted(bob, InstanceState.CONNECTED)
    host("hst_a")
    held = hold(instance, "hst_a")
    with time_machine.travel(utcnow() + leases.LASTS + timedelta(seconds=1)):
        host("hst_b")

        reconcile()

        assert state_of(instance) == ("disconnected", "host_lost")
        assert holder_of(instance) == "hst_b"
        with pytest.raises(leases.LeaseLost), leases.holding(held):
            pass


def test_offer_that_nobody_takes_up_goes_to_another_host(bob: User) -> None:
    instance = wanted(bob)
    host("hst_a")
    reconcile()
    with time_machine.travel(utcnow() + SEEN_WITHIN + timedelta(seconds=1)):
        host("hst_b")

        reconcile()

        assert holder_of(instance) == "hst_b"


def test_death_of_a_host_on_this_machine_is_known_at_once(bob: User, settings: Settings) -> None:
    instance = wanted(bob, InstanceState.CONNECTED)
    sign = life_signs.show(settings, host("hst_a"))
    held = hold(instance, "hst_a")
    reconcile()
    assert state_of(instance) == ("connected", None)

    os.close(sign)  # what the kernel does when a process dies
    host("hst_b")
    reconcile()

    assert holder_of(instance) == "hst_b"
    assert db.session.get(Host, "hst_a") is None
    assert life_signs.dead(settings) == []
    with pytest.raises(leases.LeaseLost), leases.holding(held):
        pass


def test_host_that_was_gone_for_long_is_forgotten_with_its_queue(bob: User) -> None:
    host("hst_a", ago=GONE_AFTER + timedelta(seconds=1))
    bell.queue(queue_of("hst_a")).enqueue("app.jobs.sessions.open_session", "ins_old")

    reconcile()

    assert db.session.get(Host, "hst_a") is None
    assert len(bell.queue(queue_of("hst_a"))) == 0


def test_signing_out_that_its_host_did_not_live_to_do_is_done_here(bob: User) -> None:
    instance = wanted(bob, InstanceState.CONNECTED)
    with transaction() as session:
        session.get_one(Instance, instance.id).desired = DesiredState.SIGNED_OUT

    reconcile()

    assert state_of(instance) == ("logged_out", "signed_out_unheard")


def test_lease_is_taken_up_by_the_host_it_was_offered_to(bob: User) -> None:
    instance = wanted(bob)
    with transaction():
        leases.offer(instance.id, "hst_a")

        assert leases.take_up(instance.id, "hst_b") is None
        assert leases.take_up(instance.id, "hst_a") is not None


def test_lease_that_lives_is_offered_to_nobody_else(bob: User) -> None:
    instance = wanted(bob)
    hold(instance, "hst_a")

    with transaction():
        assert not leases.offer(instance.id, "hst_b")


def test_released_lease_keeps_counting_its_holders(bob: User) -> None:
    instance = wanted(bob)
    first = hold(instance, "hst_a")
    with transaction():
        leases.release(first)

    assert hold(instance, "hst_a").epoch == first.epoch + 1


def stopped_host(settings: Settings) -> subprocess.Popen[bytes]:
    """A process that showed its life sign as hst_a, and was stopped."""
    program = (
        "import sys, time\n"
        "from app.config import load_settings\n"
        "from app.sessions import life_signs\n"
        "sign = life_signs.show(load_settings(data_dir=sys.argv[1]), 'hst_a'); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(settings.data_dir)])
    wait_for(lambda: life_signs.living(settings) == ["hst_a"])
    process.send_signal(signal.SIGSTOP)
    return process


def test_host_on_this_machine_that_let_its_leases_run_out_is_killed_first(
    bob: User, settings: Settings
) -> None:
    process = stopped_host(settings)
    instance = wanted(bob, InstanceState.CONNECTED)
    host("hst_a", ago=leases.LASTS + timedelta(seconds=1))
    host("hst_b")

    reconcile()

    assert process.wait(10) == -signal.SIGKILL
    reconcile()
    assert holder_of(instance) == "hst_b"
    assert life_signs.living(settings) == []


def test_host_that_was_seen_is_left_alone(settings: Settings) -> None:
    process = stopped_host(settings)
    host("hst_a", ago=leases.LASTS - timedelta(seconds=5))

    reconcile()

    assert process.poll() is None
    process.kill()
    process.wait()
