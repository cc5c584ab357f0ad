"""Telling WhatsApp of chats that were opened here, where something is in its way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from app import bell
from app.core.reading import ReadReceipts
from app.engine.errors import EngineError, NotConnected
from app.extensions import db
from app.models import Chat, Instance, ReadMark
from app.services import reading
from app.sessions.host import SessionHost
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, Look, incoming
from tests.waiting import wait_for


@pytest.fixture
def arrived(look: Look, opened: SessionHost, engine: ScriptedEngine) -> Look:
    """The instance, with a chat in which two messages are unread."""

    def switch_on(instance: Instance) -> None:
        instance.read_receipts = ReadReceipts.OPENING

    look.act(switch_on)
    engine.tell(incoming("One", "A1"))
    engine.tell(incoming("Two", "A2"))
    wait_for(lambda: look.chats and look.chats[0].unread == 2, PATIENCE, "both are here")
    assert engine.read == []
    return look


def open_chat(look: Look) -> None:
    """Somebody opens the only chat."""

    def open_it(instance: Instance) -> None:
        reading.opened(instance, db.session.scalars(select(Chat)).one())

    look.act(open_it)


def left(look: Look) -> int:
    with look.app.app_context():
        return len(db.session.scalars(select(ReadMark)).all())


def test_what_was_opened_is_told_once(arrived: Look, engine: ScriptedEngine) -> None:
    open_chat(arrived)
    wait_for(lambda: left(arrived) == 0, PATIENCE, "it is told")
    assert engine.read == ["A1", "A2"]


def test_what_could_not_be_told_for_want_of_a_connection_waits(
    arrived: Look, engine: ScriptedEngine
) -> None:
    engine.read_errors.append(NotConnected("just now"))
    open_chat(arrived)
    wait_for(lambda: left(arrived) == 0, PATIENCE, "it is told")
    assert (engine.read_errors, engine.read) == ([], ["A1", "A2"])


def test_what_is_refused_holds_up_nothing_and_is_kept(
    arrived: Look, engine: ScriptedEngine
) -> None:
    engine.read_errors.append(EngineError("refused"))
    open_chat(arrived)
    wait_for(lambda: not engine.read_errors, PATIENCE, "it was tried")
    arrived.queue("An answer")
    wait_for(lambda: engine.sent == ["An answer"], PATIENCE, "it is sent")
    assert (engine.read, left(arrived)) == ([], 2)


def test_what_nobody_rang_for_is_found(
    arrived: Look, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "wake", lambda instance_id: None)
    open_chat(arrived)
    wait_for(lambda: engine.read == ["A1", "A2"], PATIENCE, "it is told")


def test_what_a_host_told_without_writing_it_down_is_told_again(
    arrived: Look,
    opened: SessionHost,
    engine: ScriptedEngine,
    new_host: Callable[[], SessionHost],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(reading, "told", lambda ids: _die())
        open_chat(arrived)
        wait_for(lambda: engine.read == ["A1", "A2"], PATIENCE, "it is told")
        opened.end()
    assert left(arrived) == 2
    arrived.open_on(new_host())
    wait_for(lambda: left(arrived) == 0, PATIENCE, "it is told again")
    assert engine.read[-2:] == ["A1", "A2"]


def _die() -> None:
    raise RuntimeError("killed")


def test_opening_a_chat_changes_no_message(arrived: Look) -> None:
    before = [message.changed_at for message in arrived.messages]
    open_chat(arrived)
    wait_for(lambda: left(arrived) == 0, PATIENCE, "it is told")
    assert [message.changed_at for message in arrived.messages] == before
