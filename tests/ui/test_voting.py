"""Polls in a conversation: how the votes stand, who voted, and voting."""

from __future__ import annotations

import pytest
from bs4 import Tag
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.core.details import Poll, as_data
from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, Message, PollVote
from app.services import amendments
from app.services.amendments import Author
from app.transaction import transaction
from tests import factories
from tests.queries import selects
from tests.ui.browser import Browser, only, soup, words

OPTIONS = ("Сегодня", "Завтра", "<b>Никогда</b>")
ME, MARIA = Author(from_me=True), Author(from_me=False, lid="77", name="Мария <i>")
BORIS = Author(from_me=False, lid="78", phone="79161234567")


@pytest.fixture
def maria(app: Flask, shop: Instance) -> Chat:
    """A chat with Maria of a shop that is connected."""
    with app.app_context():
        with transaction() as session:
            session.get_one(Instance, shop.id).state = InstanceState.CONNECTED
        return factories.chat(factories.linked_account(shop), name="Мария")


def asked(app: Flask, chat: Chat, choices: int = 0, **values: object) -> Message:
    details = as_data(Poll("Когда?", OPTIONS, choices))
    fields = {"kind": "poll", "body": "Когда?", "details": details, "secret": bytes(32)}
    with app.app_context():
        return factories.message(chat, **{"sender_lid": "77", **fields, **values})


def vote(app: Flask, poll: Message, author: Author, *numbers: int) -> None:
    with app.app_context(), transaction() as session:
        chosen = [OPTIONS[number] for number in numbers]
        amendments.vote(session.get_one(Message, poll.id), author, chosen, utcnow(), is_news=False)


def chat_of(poll: Message) -> str:
    return f"/ui/instances/{poll.instance_id}/chat/{poll.chat_id}"


def path_of(poll: Message) -> str:
    return f"{chat_of(poll)}/messages/{poll.id}/vote"


def drawn(bobs: Browser, poll: Message) -> Tag:
    return only(bobs.get(chat_of(poll)), f"#poll-{poll.id}")


def queued(app: Flask) -> list[list[str]]:
    with app.app_context():
        rows = db.session.scalars(select(Message).where(Message.kind == "vote"))
        return [(row.details or {})["vote"]["options"] for row in rows]


def test_the_votes_stand_at_each_answer_with_a_bar_and_the_names(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    poll = asked(app, maria)
    vote(app, poll, MARIA, 0, 2)
    vote(app, poll, BORIS, 2)
    vote(app, poll, ME, 2)
    shown = drawn(bobs, poll)
    counts = shown.select(".poll-count")
    assert [one.get_text().partition(":")[0] for one in counts] == ["1", "0", "3"]
    assert [(one["value"], one["max"]) for one in shown.select("progress")] == [
        ("1", "3"),
        ("0", "3"),
        ("3", "3"),
    ]
    assert counts[2]["title"] == "Мария <i>, +7\xa0916\xa0123-45-67, Вы"
    assert counts[2].select_one(".visually-hidden").get_text() == f": {counts[2]['title']}"  # type: ignore[union-attr]
    pressed = [one["aria-pressed"] for one in shown.select("button.poll-answer")]
    assert pressed == ["false", "false", "true"]
    [opener], [popover] = shown.select("[popovertarget]"), shown.select("[popover]")
    assert opener["popovertarget"] == popover["id"]
    assert opener.get_text() == "Проголосовали 3 человека"
    assert [one.get_text() for one in popover.select("strong")] == ["Сегодня", "<b>Никогда</b>"]
    assert len(popover.select("li")) == 4


def test_a_vote_comes_to_a_page_that_is_open(app: Flask, bobs: Browser, maria: Chat) -> None:
    poll = asked(app, maria)
    news = str(only(bobs.get(chat_of(poll)), "#news")["hx-get"])
    bobs.fragment(news)
    vote(app, poll, MARIA, 1)
    assert [one["value"] for one in soup(bobs.fragment(news)).select("progress")] == ["0", "1", "0"]


def test_polls_take_as_many_queries_however_many_a_chat_has(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    counts = []
    for count in (1, 5):
        for _ in range(count):
            poll = asked(app, maria)
            vote(app, poll, MARIA, 0)
            vote(app, poll, BORIS, 1)
        bobs.get(chat_of(poll))  # the first look wishes for a picture
        with app.app_context(), selects() as statements:
            bobs.get(chat_of(poll))
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_press_votes_and_the_chat_shows_what_waits(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    poll = asked(app, maria)
    button = drawn(bobs, poll).select("button.poll-answer")[1]
    answer = bobs.act(path_of(poll), {str(button["name"]): str(button["value"])})
    assert answer.status_code == 200
    assert "Голос в опросе: Завтра" in words(answer, ".bubble-out .bubble-text")
    assert queued(app) == [["Завтра"]]


def test_where_several_may_be_chosen_a_press_adds_and_another_takes_away(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    poll = asked(app, maria)
    vote(app, poll, ME, 0)
    bobs.act(path_of(poll), {"add": "2"})
    bobs.act(path_of(poll), {"add": "2"})  # pressed twice
    bobs.act(path_of(poll), {"drop": "0"})
    bobs.act(path_of(poll), {"drop": "2"})
    assert queued(app) == [["Сегодня", "<b>Никогда</b>"], ["<b>Никогда</b>"], []]


def test_where_one_may_be_chosen_the_next_takes_its_place(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    poll = asked(app, maria, choices=1)
    vote(app, poll, ME, 0)
    bobs.act(path_of(poll), {"add": "1"})
    assert queued(app) == [["Завтра"]]


def test_without_a_script_a_vote_leads_back_to_the_chat(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    poll = asked(app, maria)
    answer = bobs.post(path_of(poll), {"add": "0"})
    assert (answer.status_code, answer.location) == (303, chat_of(poll))
    assert queued(app) == [["Сегодня"]]


@pytest.mark.parametrize("form", [{"add": "3"}, {"add": "-1"}, {"drop": "x"}, {}])
def test_what_was_not_asked_cannot_be_chosen(
    app: Flask, bobs: Browser, maria: Chat, form: dict[str, str]
) -> None:
    poll = asked(app, maria)
    answer = bobs.act(path_of(poll), form)
    assert answer.status_code == 422
    assert "В опросе нет такого ответа." in answer.text
    assert queued(app) == []


def test_more_than_may_be_chosen_is_refused_in_words(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    poll = asked(app, maria, choices=2)
    vote(app, poll, ME, 0, 1)
    answer = bobs.act(path_of(poll), {"add": "2"})
    assert answer.status_code == 422
    assert "можно выбрать не больше 2 ответов" in answer.text
    assert queued(app) == []


@pytest.mark.parametrize("values", [{"secret": None}, {"wa_id": None}])
def test_where_one_cannot_vote_there_are_no_buttons(
    app: Flask, bobs: Browser, maria: Chat, values: dict[str, object]
) -> None:
    shown = drawn(bobs, asked(app, maria, **values))
    assert not shown.select("button, form")
    assert [one.get_text().strip() for one in shown.select(".poll-answer")] == list(OPTIONS)
    assert ("Голоса видны на телефоне" in shown.get_text()) == ("secret" in values)


def test_in_a_chat_of_a_number_that_is_linked_no_more_nobody_votes(
    app: Flask, bobs: Browser, shop: Instance, maria: Chat
) -> None:
    poll = asked(app, maria)
    with app.app_context():
        account: LinkedAccount = factories.linked_account(db.session.get_one(Instance, shop.id))
        assert account.id != maria.account_id
    assert not drawn(bobs, poll).select("button.poll-answer")
    assert bobs.act(path_of(poll), {"add": "0"}).status_code == 409
    assert queued(app) == []


def test_a_vote_that_failed_stands_in_the_chat_and_is_tried_again(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    poll = asked(app, maria)
    bobs.act(path_of(poll), {"add": "1"})
    with app.app_context(), transaction() as session:
        session.scalars(
            select(Message).where(Message.kind == "vote")
        ).one().status = MessageStatus.FAILED
    page = bobs.get(chat_of(poll))
    failed = soup(page).select(".bubble-out")[-1]
    assert failed.select_one("[id^=retry-]")
    assert not failed.select(".details")
    with app.app_context():
        assert db.session.scalars(select(PollVote)).all() == []
