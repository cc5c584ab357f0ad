"""Replaced streams: a foreign program's are left alone, our own old host's are not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from app.clock import utcnow
from app.core.states import InstanceState
from app.engine.events import StreamReplaced
from app.models import Lease
from app.sessions.host import SessionHost
from app.transaction import transaction
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, Look
from tests.waiting import wait_for

TAKEN_BACK = "No connection: The process that held this session before opened it once more"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, in seconds; none is kept."""
    taken: list[float] = []

    def take(pause: timedelta) -> timedelta:
        taken.append(pause.total_seconds())
        return timedelta(0)

    monkeypatch.setattr("app.sessions.session.with_jitter", take)
    return taken


@pytest.fixture
def taken_over(
    app: Flask, look: Look, new_host: Callable[[], SessionHost], pauses: list[float]
) -> SessionHost:
    """A host that has the session since the lease of another one ran out."""
    with app.app_context(), transaction() as session:
        past = utcnow() - timedelta(seconds=1)
        session.add(Lease(instance_id=look.id, host_id="hst_far", epoch=7, expires_at=past))
    host = new_host()
    look.open_on(host)
    look.wait_state(InstanceState.CONNECTED)
    return host


def test_rightful_host_reopens_what_the_old_one_took_back(
    taken_over: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.tell(StreamReplaced())

    wait_for(lambda: len(engine.sessions) == 2, PATIENCE)
    look.wait_state(InstanceState.CONNECTED)
    assert engine.sessions[0].closed.is_set()
    assert look.journal[-2:] == [TAKEN_BACK, "Connected"]


def test_session_that_is_taken_back_again_and_again_is_given_up(
    taken_over: SessionHost, look: Look, engine: ScriptedEngine, pauses: list[float]
) -> None:
    for number in range(1, 7):
        wait_for(lambda number=number: len(engine.sessions) == number, PATIENCE)
        look.wait_state(InstanceState.CONNECTED)
        engine.tell(StreamReplaced())

    look.wait_state(InstanceState.FAILED, "stream_replaced")
    assert pauses == [2, 4, 8, 16, 32]


def test_replacement_long_after_the_takeover_is_somebody_elses(
    look: Look,
    engine: ScriptedEngine,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr("app.sessions.takeover.CONTESTED_SECONDS", 0.0)
    request.getfixturevalue("taken_over")

    engine.tell(StreamReplaced())

    look.wait_state(InstanceState.FAILED, "stream_replaced")


def test_session_its_host_gave_back_is_nobody_elses_of_ours(
    opened: SessionHost, look: Look, engine: ScriptedEngine, new_host: Callable[[], SessionHost]
) -> None:
    opened.end()
    look.open_on(new_host())
    look.wait_state(InstanceState.CONNECTED)

    engine.tell(StreamReplaced())

    look.wait_state(InstanceState.FAILED, "stream_replaced")
