"""Pictures are asked for slowly, and not at all where WhatsApp has had enough."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from app.engine.base import Picture
from app.engine.errors import EngineError, NotConnected
from app.extensions import db
from app.models import LinkedAccount, ProfilePicture
from app.services import profile_pictures
from app.sessions import pictures
from app.sessions.host import SessionHost
from app.transaction import transaction
from tests import factories
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, Look
from tests.waiting import wait_for


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "PACE", 0.05)
    monkeypatch.setattr(pictures, "OFFLINE", 0.05)


class Shown(NamedTuple):
    """A chat that somebody may look at."""

    id: str
    jid: str


def shown(look: Look, count: int) -> list[Shown]:
    with look.app.app_context():
        account = db.session.query(LinkedAccount).filter_by(instance_id=look.id).one()
        made = (factories.chat(account) for _ in range(count))
        return [Shown(chat.id, chat.jid) for chat in made]


def want(look: Look, chats: list[Shown]) -> None:
    with look.app.app_context(), transaction():
        profile_pictures.want(look.id, [chat.id for chat in chats])


def wanted(look: Look, count: int) -> list[Shown]:
    chats = shown(look, count)
    want(look, chats)
    return chats


def row_of(look: Look, chat: Shown) -> ProfilePicture:
    with look.app.app_context():
        return db.session.get_one(ProfilePicture, chat.id)


def test_each_wanted_picture_is_asked_for_once(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    one, other = chats = shown(look, 2)
    engine.pictures = {one.jid: Picture("7", "https://pps.whatsapp.net/v/1")}
    want(look, chats)
    wait_for(
        lambda: all(row_of(look, chat).fetched_at for chat in chats), PATIENCE, "all asked for"
    )
    assert sorted(engine.pictures_asked) == sorted([one.jid, other.jid])
    assert (row_of(look, one).absent, row_of(look, other).absent) == (False, True)
    assert row_of(look, one).url == "https://pps.whatsapp.net/v/1"


def test_a_lost_connection_drops_no_wish(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.picture_errors = [NotConnected(), EngineError("connection_lost", may_have_left=True)]
    (chat,) = wanted(look, 1)
    wait_for(lambda: row_of(look, chat).absent, PATIENCE, "it is asked again")
    assert len(engine.pictures_asked) == 3


def test_a_refusal_about_one_chat_holds_up_no_other(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.picture_errors = [EngineError("not_allowed", permanent=True)]
    chats = wanted(look, 2)
    wait_for(lambda: all(row_of(look, chat).fetched_at for chat in chats), PATIENCE)
    assert len(engine.pictures_asked) == 2


def test_whatsapp_is_left_in_peace_when_it_has_had_enough(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.picture_errors = [EngineError("too_many_questions")]
    first, second = sorted(wanted(look, 2), key=lambda chat: chat.id)
    wait_for(lambda: row_of(look, first).fetched_at, PATIENCE)
    look.queue("something else")
    wait_for(lambda: engine.sent, PATIENCE, "the session goes on")
    assert len(engine.pictures_asked) == 1
    assert row_of(look, second).wanted_at is not None
