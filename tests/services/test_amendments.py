"""What is said about earlier messages: reactions, edits, deletions."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.clock import utcnow
from app.core.events import Subscription
from app.extensions import db
from app.models import Chat, Delivery, Media, Message, Quote, Reaction
from app.models.message import OUTGOING
from app.services import amendments, chats, quotes
from app.services.amendments import Author
from app.transaction import transaction
from tests import factories

PEER, ME = Author(from_me=False, lid="77", name="Maria"), Author(from_me=True)


@pytest.fixture
def chat(linked) -> Chat:
    factories.endpoint(linked, events=list(Subscription))
    return factories.chat(linked.account, phone="79167654321")


@pytest.fixture
def message(chat) -> Message:
    """The last thing that the contact wrote."""
    message = factories.message(chat, body="Hello", wa_id="3EB0A")
    with transaction():
        chats.touch(message.chat, text="Hello", at=message.shown_at)
    return message


def react(message: Message, author: Author, emoji: str, *, is_news: bool = True) -> None:
    with transaction():
        amendments.react(message, author, emoji, utcnow(), is_news=is_news)


def edit(message: Message, author: Author, text: str, *, late: int = 0) -> None:
    with transaction():
        at = utcnow() - timedelta(seconds=late)
        amendments.edit(message, author, text, at, is_news=True)


def remove(message: Message, author: Author) -> None:
    with transaction():
        amendments.remove(message, author, utcnow(), is_news=True)


def on(message: Message) -> dict[str, str]:
    rows = db.session.scalars(select(Reaction).where(Reaction.message_id == message.id))
    return {row.author: row.emoji for row in rows}


def told() -> list[tuple[str, dict]]:
    rows = db.session.scalars(select(Delivery).order_by(Delivery.created_at, Delivery.id))
    return [(row.event, json.loads(row.body)["data"]) for row in rows]


def test_each_person_has_one_reaction_which_the_next_replaces(message):
    react(message, PEER, "👍")
    react(message, ME, "🙏")
    react(message, PEER, "❤️")
    assert on(message) == {"77": "❤️", "me": "🙏"}


def test_a_reaction_is_taken_back_by_an_empty_one(message):
    react(message, PEER, "👍")
    react(message, PEER, "")
    react(message, PEER, "")
    assert on(message) == {}
    assert [data["emoji"] for _, data in told()] == ["👍", ""]


def test_a_reaction_is_told_with_who_put_it_on_what(message):
    react(message, PEER, "👍")
    [(event, data)] = told()
    assert event == "message_reaction"
    assert (data["messageId"], data["body"], data["emoji"]) == (message.id, "Hello", "👍")
    assert (data["from"], data["fromLid"], data["pushName"]) == ("77@lid", "77", "Maria")


def test_the_same_reaction_told_twice_is_no_news(message):
    react(message, PEER, "👍")
    react(message, PEER, "👍")
    assert len(told()) == 1


def test_what_the_phones_history_says_is_told_to_nobody(message):
    react(message, PEER, "👍", is_news=False)
    assert on(message) == {"77": "👍"}
    assert told() == []


def test_an_edit_shows_the_new_text_and_keeps_the_former(message):
    edit(message, PEER, "Hello, Anna", late=9)
    edit(message, PEER, "Good evening")
    assert message.body == "Good evening"
    assert [former["text"] for former in message.former_texts] == ["Hello", "Hello, Anna"]
    assert message.chat.last_text == "Good evening"
    assert [(data["formerBody"], data["body"]) for _, data in told()] == [
        ("Hello", "Hello, Anna"),
        ("Hello, Anna", "Good evening"),
    ]


def test_an_edit_that_comes_late_or_twice_changes_nothing(message):
    edit(message, PEER, "New")
    edit(message, PEER, "Old", late=60)
    edit(message, PEER, "New")
    assert message.body == "New"
    assert len(message.former_texts) == 1


def test_the_first_and_the_latest_of_many_former_texts_are_kept(message):
    for number in range(30):
        edit(message, PEER, f"Text {number}")
    former = [one["text"] for one in message.former_texts]
    assert len(former) == amendments.FORMER_TEXTS
    assert (former[0], former[-1]) == ("Hello", "Text 28")


def test_an_edit_of_an_earlier_message_leaves_the_line_of_the_chat_alone(message):
    with transaction():
        later = utcnow() + timedelta(seconds=5)
        chats.touch(message.chat, text="Later", at=later)
    edit(message, PEER, "New")
    assert message.chat.last_text == "Later"


def test_a_deletion_takes_away_all_that_was_said_and_leaves_the_place(message):
    original = factories.message(message.chat, wa_id="3EB0B")
    with transaction():
        quotes.attach(message, original)
    factories.media(message)
    react(message, PEER, "👍")
    edit(message, PEER, "Secret")
    remove(message, PEER)
    assert (message.body, message.former_texts, message.media, message.quote) == (
        "",
        None,
        None,
        None,
    )
    assert message.deleted_at is not None
    assert not db.session.scalars(select(Media)).all() + db.session.scalars(select(Quote)).all()
    assert on(message) == {}
    assert (message.chat.last_kind, message.chat.last_text) == ("deleted", "")
    event, data = told()[-1]
    assert (event, data["messageId"], data["body"]) == ("message_deleted", message.id, "")


def test_a_deletion_takes_away_whom_the_message_named(message):
    with transaction():
        message.mentions = [["79167654321", None]]
    remove(message, PEER)
    assert message.mentions is None


def test_a_deletion_takes_away_that_the_message_was_passed_on(message):
    with transaction():
        message.forwarded = 6
    remove(message, PEER)
    assert message.forwarded == 0


def test_an_edit_names_others_than_before(message):
    with transaction():
        message.mentions = [["79167654321", None]]
    with transaction():
        named = [(None, "78")]
        amendments.edit(message, PEER, "@78?", utcnow(), mentions=named, is_news=True)
    assert message.mentions == [[None, "78"]]
    assert told()[-1][1]["mentions"] == ["78@lid"]
    edit(message, PEER, "Nobody")
    assert message.mentions is None


def test_what_was_deleted_is_neither_edited_nor_reacted_to(message):
    remove(message, PEER)
    edit(message, PEER, "Back again")
    react(message, PEER, "👍")
    remove(message, PEER)
    assert (message.body, on(message)) == ("", {})
    assert len(told()) == 1


@pytest.mark.parametrize("act", [lambda m, who: edit(m, who, "Forged"), remove])
@pytest.mark.parametrize(("direction", "who"), [("in", ME), (OUTGOING, PEER)])
def test_nobody_changes_what_somebody_else_has_written(chat, act, direction, who):
    message = factories.message(chat, body="Mine", direction=direction)
    act(message, who)
    assert (message.body, message.deleted_at) == ("Mine", None)
    assert told() == []


@pytest.mark.parametrize(
    ("who", "body"),
    [
        (Author(from_me=False, lid="77"), "New"),
        (Author(from_me=False, phone="7916"), "New"),
        (Author(from_me=False, lid="78", phone="7917"), "Old"),
        (Author(from_me=False), "Old"),
    ],
)
def test_in_a_group_only_the_author_edits(linked, who, body):
    group = factories.chat(linked.account, kind="group", group_id="120363", phone=None)
    message = factories.message(group, body="Old", sender_lid="77", sender_phone="7916")
    edit(message, who, "New")
    assert message.body == body
