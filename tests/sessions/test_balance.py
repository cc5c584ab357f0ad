"""Sessions that move from a crowded host to one with room."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import utcnow
from app.core.states import MessageStatus
from app.models import Instance, User
from app.sessions import draining
from app.sessions.balance import WORTH_A_MOVE, balance
from app.transaction import transaction
from tests import factories
from tests.sessions.hosts import OLD, held, host, lease_of

pytestmark = pytest.mark.usefixtures("app_context")

ENOUGH = WORTH_A_MOVE + 1


def crowd(owner: User, host_id: str, count: int = ENOUGH) -> list[Instance]:
    host(host_id)
    return [held(owner, host_id) for _ in range(count)]


def asked_back(instances: list[Instance]) -> list[Instance]:
    return [instance for instance in instances if lease_of(instance).give_back]


def test_one_session_of_the_crowded_host_is_asked_back(bob: User) -> None:
    crowded = crowd(bob, "hst_a")
    host("hst_b")

    balance()
    balance()  # the first has not moved yet

    assert len(asked_back(crowded)) == 1


def test_small_difference_is_left_alone(bob: User) -> None:
    crowded = crowd(bob, "hst_a", WORTH_A_MOVE)
    host("hst_b")

    balance()

    assert asked_back(crowded) == []


def test_host_that_has_just_begun_gets_nothing_moved_to_it(bob: User) -> None:
    crowded = crowd(bob, "hst_a")
    host("hst_b", age=draining.YOUNG - timedelta(seconds=5))

    balance()

    assert asked_back(crowded) == []


def test_draining_host_gets_nothing_moved_to_it(bob: User) -> None:
    crowded = crowd(bob, "hst_a")
    host("hst_b")
    with transaction():
        draining.mark("hst_b")

    balance()

    assert asked_back(crowded) == []


def test_busy_talking_fresh_and_suspected_sessions_are_not_moved(bob: User) -> None:
    host("hst_a")
    host("hst_b")
    sending, talking = held(bob, "hst_a"), held(bob, "hst_a")
    assert sending.account and talking.account
    quiet = factories.chat(sending.account, last_at=utcnow() - OLD)
    factories.message(quiet, status=MessageStatus.QUEUED)
    factories.chat(talking.account, last_at=utcnow())
    fresh = held(bob, "hst_a", age=timedelta(seconds=5))
    suspected = [held(bob, "hst_a", crashes=1) for _ in range(ENOUGH)]

    balance()

    assert asked_back([sending, talking, fresh, *suspected]) == []
