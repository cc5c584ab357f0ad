from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.ctx import AppContext
from sqlalchemy.orm import Session

from app import clockwork
from app.clock import utcnow
from app.clockwork import PERIODIC, Periodic, claim, run_due
from app.models import Tick
from app.transaction import transaction

EVERY = timedelta(minutes=1)
ran: list[str] = []


def note() -> None:
    ran.append("note")


def fail() -> None:
    raise ValueError("work failed")


NOTE = Periodic("note", every=EVERY, run=f"{__name__}.note")
FAIL = Periodic("fail", every=EVERY, run=f"{__name__}.fail")


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


def test_work_runs_when_it_is_due_and_not_before(app_context: AppContext) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        for seconds, runs in ((0, 1), (59, 1), (1, 2), (59, 2), (1, 3)):
            clock.shift(seconds)
            run_due([NOTE])
            assert len(ran) == runs


def test_missed_runs_are_not_made_up(app_context: AppContext) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        run_due([NOTE])
        clock.shift(3600)
        run_due([NOTE])
        run_due([NOTE])

    assert len(ran) == 2


def test_failing_work_does_not_stop_the_rest(app_context: AppContext) -> None:
    run_due([FAIL, NOTE])

    assert ran == ["note"]


def test_failing_work_is_due_again_at_its_next_time(app_context: AppContext) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        assert claim(FAIL)
        assert not claim(FAIL)
        clock.shift(60)
        assert claim(FAIL)


def test_two_clocks_fire_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = threading.Barrier(4)  # passed once every clock has seen that the work is due
    claims: list[bool] = []
    with app.app_context(), transaction() as session:
        session.add(Tick(name=NOTE.name, due_at=utcnow()))

    def transaction_after_all_have_looked() -> AbstractContextManager[Session]:
        barrier.wait(10)
        return transaction()

    def another_clock() -> None:
        with app.app_context():
            claims.append(claim(NOTE))

    monkeypatch.setattr(clockwork, "transaction", transaction_after_all_have_looked)
    threads = [threading.Thread(target=another_clock) for _ in range(barrier.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(claims) == [False, False, False, True]


@pytest.mark.parametrize("work", PERIODIC, ids=lambda work: work.name)
def test_every_entry_names_a_function(work: Periodic) -> None:
    assert callable(clockwork.function_of(work))


def test_names_are_unique() -> None:
    assert len({work.name for work in PERIODIC}) == len(PERIODIC)
