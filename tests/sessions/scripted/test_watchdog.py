"""Sessions that claim to be connected and are not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.core.states import InstanceState, MessageStatus
from app.engine.errors import (
    EngineError,
    KeyStoreUnwritable,
    LinkEnded,
    NetworkUnreachable,
    NoAnswer,
    NotConnected,
)
from app.engine.events import KeepAliveTimeout, SessionEnded
from app.sessions.host import SessionHost
from app.sessions.watchdog import Watchdog
from tests.sessions.scripted.engine import ScriptedEngine, ScriptedSession
from tests.sessions.scripted.look import PATIENCE, Look
from tests.waiting import wait_for

NO_ANSWER = "No connection: WhatsApp does not answer on this connection"


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """New connections are checked at once."""
    monkeypatch.setattr("app.sessions.watchdog.FIRST_CHECK_SECONDS", 0.1)
    monkeypatch.setattr("app.sessions.watchdog.CONFIRM_SECONDS", 0.05)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, in seconds; none is kept."""
    taken: list[float] = []

    def take(pause: timedelta) -> timedelta:
        taken.append(pause.total_seconds())
        return timedelta(0)

    monkeypatch.setattr("app.sessions.session.with_jitter", take)
    return taken


@pytest.mark.parametrize("error", [NoAnswer("nothing"), NotConnected("websocket not connected")])
def test_session_that_does_not_answer_is_reopened_and_the_journal_says_so(
    look: Look,
    engine: ScriptedEngine,
    new_host: Callable[[], SessionHost],
    error: EngineError,
) -> None:
    engine.check_errors = [error, error]
    look.open_on(new_host())

    wait_for(lambda: len(engine.sessions) == 2, PATIENCE)
    look.wait_state(InstanceState.CONNECTED)
    assert engine.sessions[0].closed.is_set()
    assert look.journal[-2:] == [NO_ANSWER, "Connected"]


def test_one_answer_that_fails_is_not_enough(opened: SessionHost, engine: ScriptedEngine) -> None:
    before = engine.checks
    engine.check_errors = [NoAnswer("nothing")]
    engine.tell(KeepAliveTimeout(1, None))

    wait_for(lambda: engine.checks >= before + 2, PATIENCE)
    assert len(engine.sessions) == 1


def test_ping_without_an_answer_has_the_session_checked_at_once(
    look: Look,
    engine: ScriptedEngine,
    new_host: Callable[[], SessionHost],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.sessions.watchdog.FIRST_CHECK_SECONDS", 1000.0)
    look.open_on(new_host())
    look.wait_state(InstanceState.CONNECTED)
    assert engine.checks == 0

    engine.tell(KeepAliveTimeout(1, datetime.now(UTC)))

    wait_for(lambda: engine.checks == 1, PATIENCE)


def test_send_that_hangs_in_a_dead_session_is_freed(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    wait_for(lambda: engine.checks, PATIENCE)
    hangs = threading.Event()

    def hang(session: ScriptedSession, wa_id: str) -> None:
        engine.on_send = lambda session, wa_id: None
        engine.check_errors = [NoAnswer("nothing")] * 2
        hangs.set()
        session.closed.wait(PATIENCE)
        raise NotConnected("closed")

    engine.on_send = hang
    message_id = look.queue("Hello")
    wait_for(hangs.is_set, PATIENCE)

    engine.tell(KeepAliveTimeout(1, None))

    look.wait_status(message_id, MessageStatus.SENT)
    assert len(engine.sessions) == 2
    assert engine.sent == ["Hello"]


def test_reopenings_back_off_and_are_capped(
    look: Look,
    engine: ScriptedEngine,
    new_host: Callable[[], SessionHost],
    pauses: list[float],
) -> None:
    engine.check_errors = [NoAnswer("nothing")] * 18
    look.open_on(new_host())

    wait_for(lambda: len(pauses) == 9 and engine.checks > 18, PATIENCE)
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 300]


def test_session_that_has_proven_to_live_begins_with_a_short_pause_again(
    look: Look,
    engine: ScriptedEngine,
    new_host: Callable[[], SessionHost],
    pauses: list[float],
) -> None:
    engine.start_errors = [NetworkUnreachable("no route")] * 3
    look.open_on(new_host())
    wait_for(lambda: engine.checks, PATIENCE)

    engine.tell(SessionEnded("the engine returned"))

    wait_for(lambda: len(pauses) == 4, PATIENCE)
    assert pauses == [2, 4, 8, 2]


def test_session_the_engine_leaves_again_and_again_is_opened_ever_later(
    look: Look,
    engine: ScriptedEngine,
    new_host: Callable[[], SessionHost],
    pauses: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.sessions.watchdog.FIRST_CHECK_SECONDS", 1000.0)
    look.open_on(new_host())

    for number in range(1, 5):
        wait_for(lambda number=number: len(engine.sessions) == number, PATIENCE)
        wait_for(lambda: engine.sessions[-1].started, PATIENCE)
        engine.tell(SessionEnded("an event it cannot encode"))

    wait_for(lambda: len(pauses) == 4, PATIENCE)
    assert pauses == [2, 4, 8, 16]


def test_login_that_is_never_answered_is_tried_again_later(
    look: Look,
    engine: ScriptedEngine,
    new_host: Callable[[], SessionHost],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.sessions.session.ENGINE_RECONNECTS_FOR", 0.2)
    engine.says_connected = False
    look.open_on(new_host())

    look.wait_state(InstanceState.DISCONNECTED, "no_answer")
    assert look.instance.retry_at is not None
    engine.says_connected = True
    look.wait_state(InstanceState.CONNECTED)


def test_link_that_ended_without_a_word_is_found_when_it_is_reopened(
    look: Look, engine: ScriptedEngine, opened: SessionHost
) -> None:
    wait_for(lambda: engine.checks, PATIENCE)
    engine.check_errors = [NotConnected("websocket not connected")] * 2
    engine.open_error = LinkEnded("gone")

    engine.tell(KeepAliveTimeout(1, None))

    look.wait_state(InstanceState.LOGGED_OUT, "link_ended")
    account = look.instance.account
    assert account is not None
    assert account.unlinked_at is not None


def test_login_refused_in_the_engines_race_is_a_logout(
    look: Look, engine: ScriptedEngine, new_host: Callable[[], SessionHost]
) -> None:
    engine.start_errors = [LinkEnded("refused while it connected")]
    look.open_on(new_host())

    look.wait_state(InstanceState.LOGGED_OUT, "link_ended")


def test_keys_that_cannot_be_written_stop_the_sending(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.send_errors = [KeyStoreUnwritable("/data")]
    engine.start_errors = [KeyStoreUnwritable("/data")]
    message_id = look.queue("Hello")

    look.wait_state(InstanceState.DISCONNECTED, "key_store_unwritable")
    assert look.instance.retry_at is not None
    assert look.status(message_id) == MessageStatus.QUEUED
    look.wait_status(message_id, MessageStatus.SENT)
    look.wait_state(InstanceState.CONNECTED)


def test_keys_that_cannot_be_written_are_noticed_without_a_send(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    wait_for(lambda: engine.checks, PATIENCE)
    engine.check_errors = [KeyStoreUnwritable("/data")]
    engine.start_errors = [KeyStoreUnwritable("/data")]

    engine.tell(KeepAliveTimeout(1, None))

    look.wait_state(InstanceState.DISCONNECTED, "key_store_unwritable")


def test_nothing_is_asked_over_a_session_that_is_down(
    look: Look,
    engine: ScriptedEngine,
    new_host: Callable[[], SessionHost],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[Watchdog] = []
    look_once = Watchdog._look

    def count(self: Watchdog) -> None:
        look_once(self)
        looks.append(self)

    monkeypatch.setattr(Watchdog, "_look", count)
    engine.says_connected = False
    look.open_on(new_host())
    wait_for(lambda: engine.sessions and engine.sessions[0].started, PATIENCE)

    looks.clear()
    wait_for(lambda: len(looks) >= 5, PATIENCE)
    assert engine.checks == 0
