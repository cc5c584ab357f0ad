"""Auto-read where something is in its way. The usual is tested on the real engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from app.core.reading import ReadReceipts
from app.engine.errors import EngineError, NotConnected
from app.engine.events import HistoryChat, HistoryReceived
from app.models import Instance
from app.sessions.host import SessionHost
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, PEER, Look, incoming, leave_spool
from tests.waiting import wait_for


@pytest.fixture
def reading(look: Look) -> Look:
    """The instance, with auto-read switched on before its session is opened."""

    def switch_on(instance: Instance) -> None:
        instance.read_receipts = ReadReceipts.ARRIVAL

    look.act(switch_on)
    return look


@pytest.fixture
def reading_host(reading: Look, opened: SessionHost) -> SessionHost:
    """A host that holds the session of an instance with auto-read."""
    return opened


def test_what_could_not_be_told_for_want_of_a_connection_is_told_later(
    reading_host: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.read_errors.append(NotConnected("just now"))
    engine.tell(incoming("One", "A1"))
    wait_for(lambda: not engine.read_errors, PATIENCE, "it was tried")
    engine.tell(incoming("Two", "A2"))

    wait_for(lambda: engine.read == ["A1", "A2"], PATIENCE, "both are marked, in order")
    wait_for(lambda: look.chats[0].unread == 0, PATIENCE, "nothing is unread")


def test_a_refused_receipt_leaves_the_message_unread_and_holds_up_nothing(
    reading_host: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.read_errors.append(EngineError("refused"))
    engine.tell(incoming("One", "A1"))
    wait_for(lambda: not engine.read_errors, PATIENCE, "it was tried")
    assert look.chats[0].unread == 1

    look.queue("An answer")
    wait_for(lambda: engine.sent == ["An answer"], PATIENCE, "it is sent")
    assert engine.read == []


def test_history_and_what_a_dead_host_left_are_not_marked_as_read(
    reading: Look, engine: ScriptedEngine, app: Flask, new_host: Callable[[], SessionHost]
) -> None:
    leave_spool(app, reading, engine.raw_of(incoming("Left", "A1")))
    host = new_host()
    reading.open_on(host)
    past = HistoryChat(PEER, "Peer", 0, (incoming("Past", "A2"),))
    wait_for(lambda: engine.sessions, PATIENCE, "it is opened")
    engine.tell(HistoryReceived((past,)))
    engine.tell(incoming("Now", "A3"))

    wait_for(lambda: engine.read, PATIENCE, "the new one is marked")
    assert engine.read == ["A3"]
