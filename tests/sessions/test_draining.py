"""Hosts that are about to end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.models import User
from app.sessions import draining
from app.sessions.reconcile import reconcile
from app.transaction import transaction
from tests.sessions.hosts import held, holder_of, host

pytestmark = pytest.mark.usefixtures("app_context")


def claimed(host_id: str) -> bool:
    with transaction():
        return draining.claim(host_id)


def test_host_alone_may_restart() -> None:
    assert claimed(host("hst_a"))


def test_hosts_restart_one_after_the_other() -> None:
    host("hst_a")
    host("hst_b")

    assert [claimed("hst_a"), claimed("hst_b")] == [True, False]


def test_host_waits_until_the_one_that_restarted_has_settled() -> None:
    host("hst_a")
    host("hst_b", age=draining.YOUNG - timedelta(seconds=5))

    assert not claimed("hst_a")


def test_host_whose_row_is_gone_waits() -> None:
    assert not claimed("hst_unknown")


def test_draining_host_is_offered_nothing(bob: User) -> None:
    host("hst_a")
    instance = held(bob, "hst_gone")
    with transaction():
        draining.mark("hst_a")

    reconcile()

    assert holder_of(instance) != "hst_a"
