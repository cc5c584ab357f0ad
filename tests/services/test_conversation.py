"""Conversations, part by part."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.clock import utcnow
from app.core.states import MessageStatus
from app.models import Chat, Message
from app.models.message import OUTGOING
from app.services import conversation, receipts
from app.services.conversation import Part
from app.transaction import transaction
from tests import factories


@pytest.fixture
def messages(chat: Chat) -> list[Message]:
    """Seven messages, three of which came in the same moment."""
    start = utcnow() - timedelta(hours=1)
    moments = [0, 1, 2, 2, 2, 3, 4]
    return [
        factories.message(chat, body=str(number), shown_at=start + timedelta(seconds=second))
        for number, second in enumerate(moments)
    ]


def bodies(part: Part) -> str:
    return "".join(message.body for message in part.messages)


def test_the_end_of_a_conversation_says_whether_there_is_more_before_it(chat, messages):
    part = conversation.newest(chat, limit=3)
    assert (bodies(part), part.earlier, part.later) == ("456", True, False)
    whole = conversation.newest(chat, limit=7)
    assert (bodies(whole), whole.earlier) == ("0123456", False)


def test_messages_of_one_moment_are_paged_without_a_gap(chat, messages):
    part = conversation.before(chat, messages[4].id, limit=2)
    assert (bodies(part), part.earlier, part.later) == ("23", True, True)
    part = conversation.before(chat, messages[2].id, limit=5)
    assert (bodies(part), part.earlier) == ("01", False)
    part = conversation.after(chat, messages[3].id, limit=2)
    assert (bodies(part), part.later) == ("45", True)
    part = conversation.after(chat, messages[4].id, limit=2)
    assert (bodies(part), part.later) == ("56", False)


def test_a_message_is_shown_with_those_around_it(chat, messages):
    part = conversation.around(chat, messages[3].id, limit=4)
    assert (bodies(part), part.earlier, part.later) == ("1234", True, True)


def test_a_message_of_another_chat_gives_the_end(chat, account, messages):
    other = factories.message(factories.chat(account))
    for look in (conversation.before, conversation.after, conversation.around):
        assert bodies(look(chat, other.id, limit=2)) == "56"


def changes(chat: Chat, since: datetime) -> str:
    return "".join(m.body for m in conversation.changed(chat, since=since, limit=9).messages)


def test_every_write_to_a_message_is_news(chat, account, messages):
    sent = factories.message(chat, body="s", direction=OUTGOING, status=MessageStatus.SENT)
    before = utcnow()
    assert changes(chat, before) == ""
    with transaction():
        receipts.heard(account, {str(sent.wa_id)}, MessageStatus.READ, utcnow())
    assert changes(chat, before) == "s"


def test_news_of_one_moment_are_told_one_part_after_another(chat):
    now = utcnow()
    for number in range(5):
        factories.message(chat, body=str(number), changed_at=now)
    first = conversation.changed(chat, since=now, limit=3)
    assert first.more
    last = first.messages[-1]
    rest = conversation.changed(chat, since=now, behind=last.id, limit=3)
    assert [m.body for m in first.messages + rest.messages] == list("01234")
    assert not rest.more


def test_the_first_unread_message_is_the_one_so_many_from_the_end(chat, messages):
    factories.message(chat, body="ours", direction=OUTGOING, status=MessageStatus.SENT)
    assert conversation.first_unread(chat) is None
    chat.unread = 3
    assert conversation.first_unread(chat) == messages[4].id
    chat.unread = 99  # the phone's own count of what is not here
    assert conversation.first_unread(chat) is None
