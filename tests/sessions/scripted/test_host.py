"""The host: leases, what it opens and what it gives back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.config import Settings
from app.core.states import DesiredState, InstanceState, MessageStatus
from app.engine.errors import KeysMissing
from app.extensions import db
from app.models import Host, Lease
from app.sessions import draining, wear
from app.sessions.host import SessionHost
from app.sessions.inbox import Inbox
from app.transaction import transaction
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, Look, incoming
from tests.waiting import wait_for


def test_session_without_keys_fails_in_words(
    look: Look, engine: ScriptedEngine, new_host: Callable[[], SessionHost]
) -> None:
    engine.open_error = KeysMissing("gone")
    message_id = look.sending("Under way")
    look.open_on(new_host())

    look.wait_state(InstanceState.FAILED, "keys_missing")
    assert look.status(message_id) == MessageStatus.UNCONFIRMED
    assert look.instance.desired == DesiredState.STOPPED


def test_host_that_ends_gives_its_sessions_back(
    opened: SessionHost, look: Look, engine: ScriptedEngine, new_host: Callable[[], SessionHost]
) -> None:
    opened.end()
    assert (look.instance.state, look.instance.reason) == ("disconnected", "host_lost")

    second = new_host()
    look.reconcile()
    second.open(look.id)

    look.wait_state(InstanceState.CONNECTED)
    assert look.epoch() == 2


def test_host_that_lost_its_lease_drops_the_session_and_writes_nothing(
    opened: SessionHost, look: Look, engine: ScriptedEngine, app: Flask
) -> None:
    with app.app_context(), transaction() as session:
        lease = session.get_one(Lease, look.id)
        lease.host_id, lease.epoch = "hst_other", lease.epoch + 1

    engine.tell(incoming())

    wait_for(lambda: not opened.holds(look.id), PATIENCE)
    assert engine.sessions[-1].closed.is_set()
    assert look.messages == []
    assert look.instance.state == InstanceState.CONNECTED  # the other host's to change


def test_session_opened_twice_is_one_session(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    opened.open(look.id)
    opened.look()

    assert len(engine.sessions) == 1


def test_host_opens_what_was_offered_though_nobody_rang(
    look: Look, new_host: Callable[[], SessionHost]
) -> None:
    host = new_host()
    look.reconcile()

    host.look()

    look.wait_state(InstanceState.CONNECTED)


def test_host_that_is_up_last_brings_the_sessions_back_without_a_clock(
    look: Look, new_host: Callable[[], SessionHost]
) -> None:
    new_host().take_up_at_start()

    look.wait_state(InstanceState.CONNECTED)


def test_host_leaves_the_sessions_alone_while_another_still_starts(
    app: Flask, settings: Settings, look: Look, new_host: Callable[[], SessionHost]
) -> None:
    app.config["SETTINGS"] = settings.model_copy(update={"session_hosts": 2})
    offered = []
    for _ in range(2):
        new_host().take_up_at_start()
        with app.app_context():
            offered.append(db.session.get(Lease, look.id) is not None)

    assert offered == [False, True]


def test_host_asked_for_a_session_gives_it_back_and_another_takes_it(
    opened: SessionHost, look: Look, app: Flask, new_host: Callable[[], SessionHost]
) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Lease, look.id).give_back = True

    opened.look()

    look.wait_state(InstanceState.DISCONNECTED, "moving")
    wait_for(lambda: not opened.holds(look.id), PATIENCE)
    with app.app_context(), transaction() as session:
        session.get_one(Host, opened.id).capacity = 0
    second = new_host()
    look.open_on(second)
    look.wait_state(InstanceState.CONNECTED)
    second.look()
    assert second.holds(look.id)


def test_worn_host_is_told_to_end_once_and_offers_its_sessions_itself(
    opened: SessionHost,
    look: Look,
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    new_host: Callable[[], SessionHost],
) -> None:
    second = new_host()
    with app.app_context(), transaction() as session:
        session.get_one(Host, second.id).started_at -= 2 * draining.YOUNG
    monkeypatch.setattr(wear, "SETTLED_AFTER", 0.0)
    monkeypatch.setattr(wear, "memory_mib", lambda: 100)
    opened.retire_when_worn()
    monkeypatch.setattr(wear, "memory_mib", lambda: 1000)

    opened.retire_when_worn()
    opened.retire_when_worn()
    assert opened.worn == wear.Worn("memory", 1000, 512)
    opened.end()

    second.look()  # nobody else has run the clock's part
    look.wait_state(InstanceState.CONNECTED)


def test_host_that_ends_commits_what_arrived(
    opened: SessionHost, look: Look, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Inbox, "commit", lambda inbox: False)  # the ingest thread is slow
    engine.tell(incoming("At the last moment"))

    opened.end()

    assert [message.body for message in look.messages] == ["At the last moment"]
