"""Who types there: known for some seconds, and no record."""

from __future__ import annotations

from datetime import timedelta

from app import bell, topics
from app.clock import utcnow
from app.core.chat_states import Composing
from app.models import Chat
from app.services import chat_states
from app.transaction import transaction
from tests import factories


def heard(account, state, at=None, **who) -> None:
    with transaction():
        chat_states.heard(account, state, at or utcnow(), **who)


def test_somebody_types_until_they_stop_and_each_is_news(account, chat):
    versions = [bell.version(topics.chat(chat.id))]
    for state in (Composing.TEXT, Composing.AUDIO, None):
        heard(account, state, lid=chat.lid)
        assert chat_states.composing_in(chat) == state
        versions.append(bell.version(topics.chat(chat.id)))
    assert len(set(versions)) == 4


def test_it_is_forgotten_soon(app, account, chat):
    heard(account, Composing.TEXT, phone=chat.phone)
    (key,) = app.extensions["redis"].keys("composing:*")
    assert 0 < app.extensions["redis"].ttl(key) <= chat_states.SHOWN_SECONDS


def test_a_message_ends_it(account, chat):
    heard(account, Composing.TEXT, lid=chat.lid)
    with transaction():
        chat_states.over(chat)
    assert chat_states.composing_in(chat) is None


def test_in_a_group_too(account, chat):
    group = factories.chat(account, kind="group", group_id="12036304", lid=None, phone=None)
    heard(account, Composing.TEXT, group_id="12036304")
    assert chat_states.composing_in(group) is Composing.TEXT
    assert chat_states.composing_in(chat) is None


def test_what_is_old_or_of_a_stranger_is_passed_over(account, chat):
    heard(account, Composing.TEXT, utcnow() - timedelta(seconds=20), lid=chat.lid)
    heard(account, Composing.TEXT, lid="1")
    heard(account, Composing.TEXT)
    assert chat_states.composing_in(chat) is None
    with transaction() as session:
        assert session.query(Chat).count() == 1
