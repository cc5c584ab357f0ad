"""The host: leases, what it opens and what it gives back."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from app.core.states import DesiredState, InstanceState, MessageStatus
from app.models import Lease
from app.sessions.host import SessionHost
from app.transaction import transaction
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, Look, incoming
from tests.waiting import wait_for


def test_session_without_keys_fails_in_words(
    look: Look, engine: ScriptedEngine, new_host: Callable[[], SessionHost]
) -> None:
    engine.keys_are_there = False
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
