"""What is of use only now: who types here, told at a human pace and never late."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.chat_states import Signal
from app.core.presence import Presence
from app.engine.errors import EngineError
from app.extensions import db
from app.models import Chat, Instance
from app.services import chat_states
from app.sessions import signals
from app.sessions.host import SessionHost
from app.sessions.signals import Signals
from tests.sessions.scripted.engine import ScriptedEngine, ScriptedSession
from tests.sessions.scripted.look import PATIENCE, Look, incoming
from tests.waiting import wait_for

ANNA, BORIS = "90001@lid", "90002@lid"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the signals, to be moved."""
    moment = [1000.0]
    monkeypatch.setattr(signals.time, "monotonic", lambda: moment[0])
    return moment


def told(heard: Signals, *, online: bool = True) -> list[tuple[str, str]]:
    """What a session tells of it."""
    engine = ScriptedEngine()
    session = ScriptedSession(engine, lambda raw: None)
    while heard.tell(session, online=online):
        pass
    return engine.signals


def test_typing_is_told_at_most_every_few_seconds_for_each_chat(now: list[float]) -> None:
    heard = Signals()
    for address in (ANNA, ANNA, BORIS):
        heard.hear(Signal.COMPOSING, address)
    assert told(heard) == [("composing", ANNA), ("composing", BORIS)]
    now[0] += 5
    assert heard.hear(Signal.COMPOSING, ANNA)


def test_the_end_of_what_was_never_told_is_not_told(now: list[float]) -> None:
    heard = Signals()
    assert not heard.hear(Signal.PAUSED, ANNA)
    heard.hear(Signal.COMPOSING, ANNA)
    assert heard.hear(Signal.PAUSED, ANNA)
    assert told(heard) == [("composing", ANNA), ("paused", ANNA)]


def test_who_goes_on_typing_after_sending_is_told_soon(now: list[float]) -> None:
    heard = Signals()
    heard.hear(Signal.COMPOSING, ANNA)
    heard.hear(Signal.PAUSED, ANNA)
    assert not heard.hear(Signal.COMPOSING, ANNA)
    now[0] += 1.5
    assert heard.hear(Signal.COMPOSING, ANNA)


def test_what_is_late_or_would_be_shown_to_nobody_is_dropped(now: list[float]) -> None:
    heard = Signals()
    heard.hear(Signal.COMPOSING, ANNA)
    assert told(heard, online=False) == []
    heard.hear(Signal.COMPOSING, BORIS)
    now[0] += 6
    assert told(heard) == []


def types(look: Look, *, composing: bool = True) -> bool:
    """Somebody types in the only chat."""
    with look.app.app_context():
        instance = db.session.get_one(Instance, look.id)
        chat = db.session.scalars(select(Chat)).one()
        return chat_states.types(instance, chat, composing=composing)


@pytest.fixture
def talking(look: Look, opened: SessionHost, engine: ScriptedEngine) -> Look:
    """The instance, with a chat."""
    engine.tell(incoming("Hi", "A1"))
    wait_for(lambda: look.chats, PATIENCE, "there is a chat")
    look.wait_state("connected")  # type: ignore[arg-type]
    return look


def test_who_types_here_is_told_through_the_host(talking: Look, engine: ScriptedEngine) -> None:
    wait_for(lambda: types(talking) and engine.signals, PATIENCE, "it is told")
    assert set(engine.signals) == {("composing", ANNA)}
    assert types(talking, composing=False)
    wait_for(lambda: engine.signals[-1] == ("paused", ANNA), PATIENCE, "it is ended")


def test_an_account_that_is_never_online_tells_nobody(
    talking: Look, engine: ScriptedEngine
) -> None:
    def hide(instance: Instance) -> None:
        instance.presence = Presence.NEVER

    talking.act(hide)
    assert not types(talking)


def test_what_fails_is_forgotten_and_holds_up_nothing(
    talking: Look, engine: ScriptedEngine
) -> None:
    engine.signal_errors.append(EngineError("refused"))
    wait_for(lambda: types(talking) and not engine.signal_errors, PATIENCE, "it was tried")
    talking.queue("An answer")
    wait_for(lambda: engine.sent == ["An answer"], PATIENCE, "it is sent")
