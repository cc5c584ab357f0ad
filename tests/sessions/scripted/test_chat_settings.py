"""Telling the phone how chats are kept, and hearing it, where something is in the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from app import bell
from app.core.chat_settings import ALWAYS, Aspect, ChatSettings
from app.engine.errors import EngineError, NotConnected
from app.engine.events import Connected, Disconnected
from app.extensions import db
from app.models import Chat, ChatWish, Instance
from app.services import chat_manners, chat_wishes
from app.sessions import chat_settings
from app.sessions.host import SessionHost
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, Look, incoming
from tests.waiting import wait_for

PEER_JID = "15552000001@s.whatsapp.net"


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The phone is heard at once."""
    monkeypatch.setattr(chat_settings, "AFTER_CONNECTING", 0.0)
    monkeypatch.setattr(chat_settings, "EVERY", 0.2)


@pytest.fixture
def talking(look: Look, opened: SessionHost, engine: ScriptedEngine) -> Look:
    """The instance, with a chat."""
    engine.tell(incoming("One", "A1"))
    wait_for(lambda: look.chats and look.chats[0].last_kind, PATIENCE, "it is here")
    return look


def keep(look: Look, *acts: Callable[[Chat], None]) -> None:
    """Somebody keeps the only chat so."""

    def do(instance: Instance) -> None:
        for act in acts:
            act(db.session.scalars(select(Chat)).one())

    look.act(do)


def left(look: Look) -> list[tuple[str, str | None]]:
    """The wishes that are not told, and why they are not."""
    with look.app.app_context():
        return [(wish.aspect, wish.failure) for wish in db.session.scalars(select(ChatWish))]


def test_what_is_wanted_is_told_once_and_in_order(talking: Look, engine: ScriptedEngine) -> None:
    keep(talking, chat_manners.pin, chat_manners.mark_unread)
    wait_for(lambda: left(talking) == [], PATIENCE, "it is told")
    assert engine.kept == [(PEER_JID, Aspect.PINNED, True), (PEER_JID, Aspect.UNREAD, True)]


def test_what_could_not_be_told_for_want_of_a_connection_waits(
    talking: Look, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_wishes, "OFFLINE_FOR", chat_wishes.OFFLINE_FOR / 30)
    engine.keep_errors.append(NotConnected("just now"))
    keep(talking, chat_manners.archive)
    wait_for(lambda: left(talking) == [], PATIENCE, "it is told")
    assert (engine.keep_errors, engine.kept) == ([], [(PEER_JID, Aspect.ARCHIVED, True)])


def test_what_was_wanted_while_away_is_told_after_the_reconnect_the_newest_alone(
    talking: Look, engine: ScriptedEngine
) -> None:
    engine.tell(Disconnected())
    wait_for(lambda: talking.instance.state == "disconnected", PATIENCE, "the line is down")
    keep(talking, chat_manners.archive, chat_manners.unarchive, chat_manners.pin)
    assert engine.kept == []
    engine.tell(Connected())
    wait_for(lambda: left(talking) == [], PATIENCE, "it is told")
    assert engine.kept == [(PEER_JID, Aspect.ARCHIVED, False), (PEER_JID, Aspect.PINNED, True)]


def test_what_is_refused_holds_up_nothing_and_keeps_the_chat_as_it_is_here(
    talking: Look, engine: ScriptedEngine
) -> None:
    engine.keep_errors.append(EngineError("app_state_refused", permanent=True))
    keep(talking, chat_manners.archive)
    wait_for(lambda: left(talking) == [("archived", "app_state_refused")], PATIENCE, "told so")
    talking.queue("An answer")
    wait_for(lambda: engine.sent == ["An answer"], PATIENCE, "it is sent")
    assert talking.chats[0].archived_at is not None


def test_what_nobody_rang_for_is_found(
    talking: Look, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "wake", lambda instance_id: None)
    keep(talking, chat_manners.pin)
    wait_for(lambda: engine.kept == [(PEER_JID, Aspect.PINNED, True)], PATIENCE, "it is told")


def test_what_the_phone_changes_is_heard(talking: Look, engine: ScriptedEngine) -> None:
    engine.phone_keeps = [ChatSettings(PEER_JID, archived=True, muted_until=ALWAYS)]
    wait_for(lambda: talking.chats[0].archived_at is not None, PATIENCE, "it is archived")
    engine.phone_keeps = [ChatSettings(PEER_JID)]
    wait_for(lambda: talking.chats[0].archived_at is None, PATIENCE, "it is not")
    assert (talking.chats[0].muted_until, engine.kept) == (None, [])


def test_a_change_back_right_after_ours_is_heard(talking: Look, engine: ScriptedEngine) -> None:
    engine.phone_keeps = [ChatSettings(PEER_JID, muted_until=ALWAYS)]
    wait_for(lambda: talking.chats[0].is_muted, PATIENCE, "the phone was heard")
    keep(talking, chat_manners.archive)  # and the phone takes it out of the archive at once
    wait_for(lambda: engine.kept, PATIENCE, "it is told")
    wait_for(lambda: talking.chats[0].archived_at is None, PATIENCE, "the phone rules")


def test_settings_of_a_chat_that_is_not_here_wait_for_it(
    look: Look, opened: SessionHost, engine: ScriptedEngine
) -> None:
    engine.phone_keeps = [
        ChatSettings(PEER_JID, pinned=True),
        ChatSettings("1@newsletter", muted_until=ALWAYS),
    ]
    wait_for(lambda: engine.known_asked, PATIENCE, "the phone was heard")
    engine.tell(incoming("One", "A1"))
    wait_for(lambda: look.chats and look.chats[0].pinned_at, PATIENCE, "it is pinned")
    assert engine.known_asked <= 2  # once at the start, once for what the script says
