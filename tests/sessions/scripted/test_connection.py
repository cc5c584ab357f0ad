"""What becomes of an instance when its connection changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app.clock import utcnow
from app.core.states import DesiredState, InstanceState, MessageStatus
from app.engine.errors import NetworkUnreachable
from app.engine.events import (
    ClientOutdated,
    Connected,
    ConnectFailure,
    Disconnected,
    Event,
    LoggedOut,
    SessionEnded,
    StreamReplaced,
    TemporaryBan,
)
from app.extensions import db
from app.models import Instance, User
from app.services import deletions
from app.services import sessions as wishes
from app.sessions import key_files, leases
from app.sessions.host import SessionHost
from app.transaction import transaction
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, Look
from tests.waiting import wait_for


@pytest.mark.parametrize(
    ("event", "state", "reason"),
    [
        (Disconnected(), InstanceState.DISCONNECTED, "connection_lost"),
        (LoggedOut("phone_logged_out", False), InstanceState.LOGGED_OUT, "phone_logged_out"),
        (LoggedOut("account_gone", True), InstanceState.LOGGED_OUT, "account_gone"),
        (StreamReplaced(), InstanceState.FAILED, "stream_replaced"),
        (ClientOutdated(), InstanceState.FAILED, "client_outdated"),
        (TemporaryBan("x", datetime.now(UTC)), InstanceState.FAILED, "temporary_ban"),
        (TemporaryBan("unknown", None), InstanceState.FAILED, "restricted"),
        (ConnectFailure("406", ""), InstanceState.FAILED, "refused_by_whatsapp"),
    ],
)
def test_event_of_the_connection_moves_the_instance(
    opened: SessionHost, look: Look, engine: ScriptedEngine, event: Event, state: str, reason: str
) -> None:
    engine.tell(event)

    look.wait_state(InstanceState(state), reason)


def test_journal_says_until_when_a_number_is_restricted(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.tell(TemporaryBan("101", datetime(2030, 5, 4, 12, tzinfo=UTC)))

    look.wait_state(InstanceState.FAILED, "temporary_ban")
    assert "restricted this number until 5/4/30" in look.journal[-1]


def test_reconnected_session_is_connected_again(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.tell(Disconnected())
    look.wait_state(InstanceState.DISCONNECTED, "connection_lost")

    engine.tell(Connected())

    look.wait_state(InstanceState.CONNECTED)


def test_session_the_engine_left_is_started_anew(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.tell(SessionEnded("the engine returned"))

    wait_for(lambda: len(engine.sessions) == 2, PATIENCE)
    look.wait_state(InstanceState.CONNECTED)
    assert engine.sessions[0].closed.is_set()


def test_ended_session_is_closed_and_its_lease_is_free(
    opened: SessionHost, look: Look, engine: ScriptedEngine, app: Flask
) -> None:
    engine.tell(StreamReplaced())

    wait_for(engine.sessions[-1].closed.is_set, PATIENCE)
    wait_for(lambda: not opened.holds(look.id), PATIENCE)
    with app.app_context():
        assert leases.of_host(opened.id) == {}


def test_first_connect_that_fails_is_tried_again_and_says_when(
    look: Look, engine: ScriptedEngine, new_host: Callable[[], SessionHost]
) -> None:
    engine.start_errors = [NetworkUnreachable("no route")]
    look.open_on(new_host())

    look.wait_state(InstanceState.DISCONNECTED, "network_unreachable")
    planned = look.instance.retry_at
    assert planned is not None
    assert timedelta(0) < planned - utcnow() < timedelta(seconds=4)
    look.wait_state(InstanceState.CONNECTED)


def test_retry_now_does_not_wait_for_the_planned_time(
    look: Look, engine: ScriptedEngine, new_host: Callable[[], SessionHost]
) -> None:
    engine.start_errors = [NetworkUnreachable("no route")] * 5
    look.open_on(new_host())

    def is_planned() -> bool:
        retry_at = look.instance.retry_at
        return retry_at is not None and retry_at > utcnow()

    for _ in range(5):  # the planned pauses together are a minute
        wait_for(is_planned, PATIENCE)
        look.act(wishes.retry_now)

    look.wait_state(InstanceState.CONNECTED)


def test_signing_out_takes_the_device_off_the_phone(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    look.act(wishes.log_out)

    look.wait_state(InstanceState.LOGGED_OUT, "signed_out_here")
    assert engine.logged_out == ["this device"]
    assert look.instance.desired == DesiredState.STOPPED


def test_signing_out_without_a_connection_says_that_the_phone_still_lists_it(
    opened: SessionHost, look: Look, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sessions.session._SIGN_OUT_SECONDS", 0.1)
    engine.tell(Disconnected())
    look.wait_state(InstanceState.DISCONNECTED, "connection_lost")

    look.act(wishes.log_out)

    look.wait_state(InstanceState.LOGGED_OUT, "signed_out_unheard")


def test_signing_out_without_a_host_is_done_at_once(look: Look) -> None:
    look.act(wishes.log_out)

    assert (look.instance.state, look.instance.reason) == ("logged_out", "signed_out_unheard")


@pytest.mark.parametrize(("log_out", "told"), [(True, ["this device"]), (False, [])])
def test_deleted_instance_leaves_no_files_and_is_signed_out_where_that_is_wanted(
    opened: SessionHost,
    look: Look,
    engine: ScriptedEngine,
    app: Flask,
    bob: User,
    log_out: bool,
    told: list[str],
) -> None:
    settings = app.config["SETTINGS"]
    account = look.instance.account
    assert account is not None
    keys = key_files.path_of(settings, account.key_store)
    keys.parent.mkdir()
    keys.touch()

    with app.app_context(), transaction() as session:
        owner = session.get_one(User, bob.id)
        deletions.delete(session.get_one(Instance, look.id), actor=owner, log_out=log_out)

    wait_for(lambda: not opened.holds(look.id), PATIENCE)
    assert engine.logged_out == told
    assert settings.uses_postgres or not keys.exists()
    assert not (settings.spool_dir / account.id).exists()
    with app.app_context():
        deletions.finish()
        assert db.session.get(Instance, look.id) is None


def test_crash_of_a_session_is_told_and_tried_again(
    opened: SessionHost, look: Look, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(session: object, wa_id: str) -> None:
        engine.on_send = lambda session, wa_id: None
        raise ZeroDivisionError

    engine.on_send = crash
    message_id = look.queue("Hello")

    look.wait_state(InstanceState.DISCONNECTED, "engine_trouble")
    look.wait_status(message_id, MessageStatus.SENT)
    look.wait_state(InstanceState.CONNECTED)


def test_retry_now_does_not_wait_for_the_engine_to_reconnect(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.tell(Disconnected())
    look.wait_state(InstanceState.DISCONNECTED, "connection_lost")

    look.act(wishes.retry_now)

    look.wait_state(InstanceState.CONNECTED)
    assert len(engine.sessions) == 2


def test_engine_that_does_not_reconnect_for_long_is_started_anew(
    opened: SessionHost, look: Look, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sessions.session.ENGINE_RECONNECTS_FOR", 0.2)
    engine.start_errors = [NetworkUnreachable("no route")]

    engine.tell(Disconnected())

    look.wait_state(InstanceState.DISCONNECTED, "network_unreachable")
    look.wait_state(InstanceState.CONNECTED)
