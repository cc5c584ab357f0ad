"""Sessions that take their host along: suspected, tried apart, given up."""

from __future__ import annotations

import signal
from datetime import timedelta

import pytest
import time_machine

from app.clock import utcnow
from app.config import Settings
from app.core.states import InstanceState, MessageStatus
from app.models import Instance, Lease, User
from app.services import instances
from app.sessions import crashes, life_signs
from app.sessions.reconcile import reconcile
from app.transaction import transaction
from tests import factories
from tests.sessions.hosts import held, holder_of, host, lease_of

pytestmark = pytest.mark.usefixtures("app_context")

OPENING = {"state": InstanceState.CONNECTING, "age": timedelta(seconds=2)}


def crash(host_id: str) -> None:
    with transaction():
        crashes.count([host_id])


def seen(instance: Instance) -> tuple[str, str | None]:
    lease_of(instance)
    return instance.state, instance.reason


def test_session_being_opened_is_suspected_and_steady_ones_are_not(bob: User) -> None:
    host("hst_a")
    steady, opening = held(bob, "hst_a"), held(bob, "hst_a", **OPENING)
    this_moment = held(bob, "hst_a", age=timedelta(seconds=1))
    before = held(bob, "hst_a", age=timedelta(seconds=6))

    crash("hst_a")

    suspects = (steady, opening, this_moment, before)
    assert [lease_of(one).crashes for one in suspects] == [0, 1, 1, 0]


def test_where_nothing_was_being_opened_those_that_had_just_been_are_suspected(bob: User) -> None:
    host("hst_a")
    steady, just_open = held(bob, "hst_a"), held(bob, "hst_a", age=timedelta(seconds=20))

    crash("hst_a")

    assert [lease_of(one).crashes for one in (steady, just_open)] == [0, 1]


def test_where_nothing_was_being_opened_those_that_sent_are_suspected(bob: User) -> None:
    host("hst_a")
    steady, sending = held(bob, "hst_a"), held(bob, "hst_a")
    assert sending.account
    factories.message(factories.chat(sending.account), status=MessageStatus.SENDING)

    crash("hst_a")

    assert [lease_of(one).crashes for one in (steady, sending)] == [0, 1]


def test_session_that_waits_for_its_next_try_is_not_suspected(bob: User) -> None:
    host("hst_a")
    waiting = held(bob, "hst_a", state=InstanceState.DISCONNECTED)
    with transaction():
        instances.move(
            waiting, InstanceState.DISCONNECTED, retry_at=utcnow() + timedelta(minutes=1)
        )

    crash("hst_a")

    assert lease_of(waiting).crashes == 0


@pytest.mark.parametrize(
    ("status", "crashes_counted"),
    [(-signal.SIGABRT, 1), (2, 1), (-signal.SIGKILL, 0), (-signal.SIGTERM, 0)],
)
def test_sessions_of_a_host_that_crashed_are_suspected_and_of_one_that_was_killed_not(
    bob: User, settings: Settings, status: int, crashes_counted: int
) -> None:
    host("hst_a")
    opening = held(bob, "hst_a", **OPENING)
    folder = settings.data_dir / "hosts"
    folder.mkdir()
    (folder / "hst_a.alive").write_text("4711")
    life_signs.note_end(settings, 4711, status)
    assert life_signs.dead(settings) == ["hst_a"]

    reconcile()

    assert lease_of(opening).crashes == crashes_counted
    assert list(folder.iterdir()) == []


def test_first_crash_delays_nobody(bob: User) -> None:
    host("hst_a")
    instance = held(bob, "hst_dead", **OPENING)

    crash("hst_dead")

    with transaction():
        assert crashes.may_open(instance, utcnow())


def test_suspected_twice_it_waits_and_says_so(bob: User) -> None:
    host("hst_a")
    instance = held(bob, "hst_dead", crashes=1, **OPENING)

    crash("hst_dead")

    assert seen(instance) == (InstanceState.DISCONNECTED, "crash_suspected")
    assert instance.retry_at is not None
    first_pause = instance.retry_at - utcnow()
    assert not crashes.may_open(instance, utcnow())
    crash("hst_dead")
    lease_of(instance)
    assert instance.retry_at - utcnow() > first_pause * 1.5


def test_suspects_are_opened_one_at_a_time_and_after_the_others(bob: User) -> None:
    gone = timedelta(hours=1)
    suspects = [held(bob, "hst_dead", crashes=2, state=InstanceState.DISCONNECTED) for _ in "ab"]
    innocent = held(bob, "hst_dead", state=InstanceState.DISCONNECTED)
    with time_machine.travel(utcnow() + gone, tick=False):
        host("hst_a")
        reconcile()
        assert holder_of(innocent) == "hst_a"
        assert [holder_of(one) for one in suspects].count("hst_a") == 1


def test_second_suspect_is_tried_once_the_first_has_lived_for_a_moment(bob: User) -> None:
    host("hst_a")
    held(bob, "hst_a", crashes=2, age=crashes.TRIAL + timedelta(seconds=1))
    second = held(bob, "hst_dead", crashes=2, state=InstanceState.DISCONNECTED)

    with transaction() as session:
        session.get_one(Lease, second.id).expires_at = utcnow()
        assert crashes.may_open(second, utcnow())


def test_session_that_crashes_its_host_on_trial_is_given_up_with_a_reason(bob: User) -> None:
    host("hst_a")
    instance = held(bob, "hst_dead", crashes=crashes.GIVEN_UP_AT - 1, **OPENING)

    crash("hst_dead")

    assert seen(instance) == (InstanceState.FAILED, "crashes_host")
    assert instance.reason_detail == {"times": crashes.GIVEN_UP_AT}


def test_nobody_is_given_up_for_a_crash_that_may_have_been_another_s(bob: User) -> None:
    host("hst_a")
    both = [held(bob, "hst_dead", crashes=crashes.GIVEN_UP_AT - 1, **OPENING) for _ in "ab"]

    crash("hst_dead")

    assert {seen(one) for one in both} == {(InstanceState.DISCONNECTED, "crash_suspected")}


def test_third_time_a_trial_takes_longer(bob: User) -> None:
    host("hst_a")
    held(bob, "hst_a", crashes=3, age=crashes.TRIAL + timedelta(seconds=5))
    second = held(bob, "hst_dead", crashes=3, state=InstanceState.DISCONNECTED)
    with transaction() as session:
        session.get_one(Lease, second.id).expires_at = utcnow()
        assert not crashes.may_open(second, utcnow())
        assert crashes.may_open(second, utcnow() + crashes.FRESH - timedelta(seconds=6))


def test_session_that_lives_well_is_forgiven(bob: User) -> None:
    host("hst_a")
    instance = held(bob, "hst_a", crashes=3, age=crashes.FORGIVEN_AFTER + timedelta(seconds=1))
    young = held(bob, "hst_a", crashes=3, age=timedelta(minutes=1))

    reconcile()

    assert [lease_of(one).crashes for one in (instance, young)] == [0, 3]
