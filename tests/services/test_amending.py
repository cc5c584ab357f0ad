"""Reactions, edits and deletions of ours: which are queued, and what becomes of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.clock import utcnow
from app.core.errors import Conflict, Invalid
from app.core.states import MessageStatus
from app.extensions import db
from app.models import Chat, Delivery, GroupMember, Message, MessageText
from app.models.message import OUTGOING
from app.services import amending, conversation, messaging, progress
from app.transaction import transaction
from tests import factories


@pytest.fixture
def chat(linked) -> Chat:
    return factories.chat(linked.account, phone="79167654321")


@pytest.fixture
def ours(chat) -> Message:
    return of_ours(chat)


def of_ours(chat: Chat, *, ago: timedelta = timedelta(), **values) -> Message:
    """A message of ours that was sent `ago`."""
    values = {"body": "At five", "direction": OUTGOING, "status": "sent", **values}
    return factories.message(chat, sent_at=utcnow() - ago, **values)


def shown(chat: Chat) -> list[str]:
    return [one.body for one in conversation.newest(chat, limit=10).messages]


def send(amendment: Message) -> None:
    with transaction():
        assert messaging.claim(amendment)
    with transaction():
        assert messaging.sent(amendment, "3EB0AMEND", utcnow())
        amending.done(amendment, utcnow())


def test_a_reaction_waits_like_a_message_and_stands_in_the_chat_until_it_is_sent(chat, ours):
    with transaction():
        reaction = amending.react(ours, "👍", source="ui")
    assert messaging.next_queued(chat.instance_id, chat.account_id) == reaction
    assert shown(chat) == ["At five", "👍"]
    assert ours.reactions == []
    send(reaction)
    assert shown(chat) == ["At five"]
    assert [(one.emoji, one.from_me) for one in ours.reactions] == [("👍", True)]


def test_an_edit_shows_once_it_is_sent(chat, ours):
    with transaction():
        edit = amending.edit(ours, "At six", source="ui")
    assert ours.body == "At five"
    send(edit)
    assert (ours.body, ours.former_texts[0]["text"]) == ("At six", "At five")


def test_an_edit_in_a_group_names_whom_its_text_names(linked):
    group = factories.chat(linked.account, kind="group", group_id="120363", lid=None, phone=None)
    with transaction() as session:
        for number in ("1", "2"):
            who = {"phone": f"7916000000{number}", "lid": f"80{number}"}
            session.add(GroupMember(chat_id=group.id, key=who["lid"], role="member", **who))
    ours = of_ours(group, body="@79160000001", mentions=[["79160000001", "801"]])
    with transaction():
        edit = amending.edit(ours, "@79160000002", source="ui")
    assert ours.mentions == [["79160000001", "801"]]
    send(edit)
    assert ours.mentions == [["79160000002", "802"]]


def test_a_deletion_takes_the_text_away_once_it_is_sent(ours):
    with transaction():
        deletion = amending.remove(ours, source="ui")
    send(deletion)
    assert (ours.body, ours.deleted_at is None) == ("", False)


def test_the_chats_line_and_its_search_know_nothing_of_an_amendment(chat, ours):
    before = chat.last_text
    with transaction():
        edit = amending.edit(ours, "At six", source="ui")
    assert chat.last_text == before
    words = select(MessageText).where(MessageText.message_id == edit.id)
    assert db.session.scalar(words) is None


def test_an_amendment_is_told_as_a_change_and_never_as_a_message(linked, ours):
    factories.endpoint(
        linked,
        events=["message_sent", "message_status:delivered", "message_reaction"],
    )
    with transaction():
        reaction = amending.react(ours, "👍", source="ui")
    send(reaction)
    with transaction():
        progress.lift(reaction, MessageStatus.DELIVERED, utcnow())
    assert db.session.scalars(select(Delivery.event)).all() == ["message_reaction"]


def test_an_amendment_that_may_have_gone_is_sent_once_more(ours):
    with transaction():
        edit = amending.edit(ours, "At six", source="ui")
    with transaction():
        messaging.claim(edit)
    with transaction():
        messaging.unconfirmed(edit, "3EB0X")
    assert edit.status == "queued"


@pytest.mark.parametrize("emoji", ["👍", "❤️", "👨‍👩‍👧‍👦", "🏳️‍🌈", "1️⃣", ""])
def test_an_emoji_of_any_make_is_a_reaction(ours, emoji):
    with transaction():
        assert amending.react(ours, emoji, source="ui").body == emoji


@pytest.mark.parametrize("emoji", ["ok", "да", "👍 👍", "👍" * 41])
def test_a_word_is_no_reaction(ours, emoji):
    with pytest.raises(Invalid) as wrong, transaction():
        amending.react(ours, emoji, source="ui")
    assert (wrong.value.field, wrong.value.code) == ("emoji", "bad_emoji")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"direction": "in", "status": "received"}, "not_yours"),
        ({"wa_id": None}, "not_sent_yet"),
        ({"deleted_at": utcnow()}, "deleted"),
        ({"kind": "image"}, "not_a_text"),
        ({"ago": timedelta(minutes=15)}, "edit_too_late"),
    ],
)
def test_what_cannot_be_edited_is_refused_with_the_reason(chat, values, code):
    message = of_ours(chat, **values)
    with pytest.raises(Conflict) as refused, transaction():
        amending.edit(message, "New", source="ui")
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"direction": "in", "status": "received"}, "not_yours"),
        ({"wa_id": None}, "not_sent_yet"),
        ({"deleted_at": utcnow()}, "deleted"),
        ({"ago": timedelta(hours=60)}, "delete_too_late"),
    ],
)
def test_what_cannot_be_deleted_is_refused_with_the_reason(chat, values, code):
    message = of_ours(chat, **values)
    with pytest.raises(Conflict) as refused, transaction():
        amending.remove(message, source="ui")
    assert refused.value.code == code
