"""The page of what can be done with a message: reactions, edits, deletions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.core.states import InstanceState
from app.extensions import db
from app.models import Chat, Instance, Message
from app.models.message import AMENDMENTS, OUTGOING
from app.services import messaging
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, only, soup, words


@pytest.fixture
def maria(app: Flask, shop: Instance) -> Chat:
    """A chat with Maria of a shop that is connected."""
    with app.app_context():
        with transaction() as session:
            session.get_one(Instance, shop.id).state = InstanceState.CONNECTED
        return factories.chat(factories.linked_account(shop), name="Мария")


@pytest.fixture
def ours(app: Flask, maria: Chat) -> Message:
    with app.app_context():
        return factories.message(
            maria, body="В пять", direction=OUTGOING, status="sent", sent_at=utcnow()
        )


def path_of(message: Message, act: str = "acts") -> str:
    chat = f"/ui/instances/{message.instance_id}/chat/{message.chat_id}"
    return f"{chat}/messages/{message.id}/{act}"


def queued(app: Flask) -> list[tuple[str, str, str | None]]:
    with app.app_context():
        rows = db.session.scalars(select(Message).where(Message.kind.in_(AMENDMENTS)))
        return [(row.kind, row.body, row.target_id) for row in rows]


def test_a_message_leads_to_what_can_be_done_with_it(bobs: Browser, ours: Message) -> None:
    page = bobs.get(path_of(ours).partition("/messages/")[0])
    assert only(page, ".acts-open")["href"] == path_of(ours)
    dialog = bobs.fragment(path_of(ours))
    assert only(dialog, "#edit-text").get_text() == "В пять"
    assert "Удалить у всех" in words(dialog, "#acts")


def test_what_others_wrote_can_be_reacted_to_alone(app: Flask, bobs: Browser, maria: Chat) -> None:
    with app.app_context():
        theirs = factories.message(maria)
    page = bobs.get(path_of(theirs))
    assert only(page, ".acts-emoji")
    assert not soup(page).select("#edit-text")
    assert "Удалить у всех" not in words(page, "#acts")


def test_an_offered_emoji_is_queued_as_a_reaction(app: Flask, bobs: Browser, ours: Message) -> None:
    answer = bobs.act(path_of(ours, "reaction"), {"emoji": "👍"})
    assert answer.headers["HX-Trigger-After-Swap"] == "answered, chat-changed"
    assert queued(app) == [("reaction", "👍", ours.id)]


def test_without_a_script_a_reaction_leads_back_to_the_chat(
    app: Flask, bobs: Browser, ours: Message
) -> None:
    answer = bobs.post(path_of(ours, "reaction"), {"other": "🌷"})
    assert (answer.status_code, answer.location) == (303, path_of(ours).partition("/messages/")[0])
    assert queued(app) == [("reaction", "🌷", ours.id)]


def test_a_word_for_an_emoji_is_told_where_it_was_typed(
    app: Flask, bobs: Browser, ours: Message
) -> None:
    answer = bobs.act(path_of(ours, "reaction"), {"other": "ладно"})
    assert answer.status_code == 422
    assert words(answer, "[role=alert]") == "Выберите один эмодзи."
    assert queued(app) == []


def test_an_edit_and_a_deletion_are_queued(app: Flask, bobs: Browser, ours: Message) -> None:
    bobs.act(path_of(ours, "edit"), {"text": "В шесть"})
    bobs.act(path_of(ours, "delete"), {})
    assert queued(app) == [("edit", "В шесть", ours.id), ("delete", "", ours.id)]


def test_an_edit_that_is_refused_says_why(app: Flask, bobs: Browser, ours: Message) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Message, ours.id).sent_at = utcnow() - timedelta(hours=1)
    answer = bobs.act(path_of(ours, "edit"), {"text": "В шесть"})
    assert answer.status_code == 409
    assert "15 мин" in words(answer, "[role=alert]")
    assert queued(app) == []


def test_a_change_that_waits_stands_in_the_chat_and_goes_once_it_is_made(
    app: Flask, bobs: Browser, ours: Message
) -> None:
    chat = path_of(ours).partition("/messages/")[0]
    bobs.act(path_of(ours, "reaction"), {"emoji": "👍"})
    page = bobs.get(chat)
    assert [one.get_text() for one in soup(page).select(".bubble-text")] == [
        "В пять",
        "Реакция: 👍",
    ]
    with app.app_context(), transaction() as session:
        reaction = session.scalars(select(Message).where(Message.kind == "reaction")).one()
        assert messaging.claim(reaction) and messaging.sent(reaction, "3EB0", utcnow())
    news = bobs.fragment(str(only(page, "#news")["hx-get"]))
    gone = soup(news).find_all(class_="bubble-gone")
    waiting = soup(page).select("li.bubble")[-1]
    assert [one["id"] for one in gone] == [waiting["id"]]
    assert len(soup(bobs.get(chat)).select(".bubble-text")) == 1
