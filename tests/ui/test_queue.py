"""The queue's page: what waits and why, taken out one by one or all at once."""

from __future__ import annotations

import pytest
from flask import Flask

from app.extensions import db
from app.models import Chat, Instance, Message
from app.services import messaging
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, only, soup, words


@pytest.fixture
def chat(app: Flask, shop: Instance) -> Chat:
    """A chat of the shop, whose phone is linked and has no connection."""
    with app.app_context():
        account = factories.linked_account(shop)
        with transaction() as session:
            session.get_one(Instance, shop.id).state = "disconnected"
        return factories.chat(account, name="Anna")


def queued(app: Flask, chat: Chat, body: str = "Hello") -> Message:
    with app.app_context():
        values = {"direction": "out", "status": "queued", "source": "ui", "wa_id": None}
        return factories.message(chat, body=body, **values)


def status_of(app: Flask, message: Message) -> str:
    with app.app_context():
        return db.session.get_one(Message, message.id).status


@pytest.fixture
def path(shop: Instance) -> str:
    """The address of the shop's queue."""
    return f"/ui/instances/{shop.id}/queue"


def test_an_empty_queue_says_so(bobs: Browser, path: str) -> None:
    assert "Ничего не ждёт отправки" in words(bobs.get(path))


def test_a_message_shows_its_place_to_whom_and_why_it_waits(
    app: Flask, bobs: Browser, chat: Chat, path: str
) -> None:
    queued(app, chat, "First")
    second = queued(app, chat, "Second")
    line = words(bobs.get(path), f"#place-{second.id}")
    for part in ("2", "Anna", "Second", "только что", "Ждёт связи", "Отменить"):
        assert part in line
    assert "2 сообщения ждут отправки" in words(bobs.get(path), "#queue")


def test_a_poll_is_204_until_something_happens_to_a_message(
    app: Flask, bobs: Browser, shop: Instance, chat: Chat, path: str
) -> None:
    message = queued(app, chat)
    poll = str(only(bobs.get(path), "#queue")["hx-get"])
    assert bobs.fragment(poll).status_code == 204
    with app.app_context(), transaction() as session:
        assert messaging.claim(session.get_one(Message, message.id))
    answer = bobs.fragment(poll)
    assert "отменить уже нельзя" in words(answer, f"#place-{message.id}")
    assert not soup(answer).select(f"#cancel-{message.id}")
    assert only(answer, "#queue")["hx-trigger"].startswith("every 2s")


def test_cancelling_one_answers_with_the_queue_without_it(
    app: Flask, bobs: Browser, chat: Chat, path: str
) -> None:
    message, other = queued(app, chat), queued(app, chat)
    answer = bobs.act(f"{path}/{message.id}/cancel")
    assert [row["id"] for row in soup(answer).select("[data-row]")] == [f"place-{other.id}"]
    assert status_of(app, message) == "cancelled"
    assert bobs.fragment(str(only(answer, "#queue")["hx-get"])).status_code == 204


def test_what_is_being_sent_is_refused_in_words(
    app: Flask, bobs: Browser, chat: Chat, path: str
) -> None:
    message = queued(app, chat)
    with app.app_context(), transaction() as session:
        messaging.claim(session.get_one(Message, message.id))
    answer = bobs.act(f"{path}/{message.id}/cancel")
    assert answer.status_code == 409
    assert "уже отправляется" in words(answer, "[role=alert]")


def test_cancelling_without_scripts_comes_back_to_the_queue(
    app: Flask, bobs: Browser, chat: Chat, path: str
) -> None:
    message = queued(app, chat)
    assert bobs.post(f"{path}/{message.id}/cancel").location == path
    assert "Сообщение не будет отправлено" in words(bobs.get(path), "#alerts")


def test_cancelling_all_asks_and_says_how_many_it_were(
    app: Flask, bobs: Browser, chat: Chat, path: str
) -> None:
    messages = [queued(app, chat) for _ in range(3)]
    assert "3 сообщения не будут отправлены" in words(bobs.get(f"{path}/cancel"))
    answer = bobs.act(f"{path}/cancel")
    assert answer.headers["HX-Trigger-After-Swap"] == "answered, queue-changed"
    assert "Отменено 3 сообщения" in answer.text
    assert {status_of(app, one) for one in messages} == {"cancelled"}
    assert bobs.post(f"{path}/cancel").location == path


def test_a_queue_is_paused_and_says_who_did_it_and_why(
    app: Flask, bobs: Browser, chat: Chat, path: str
) -> None:
    queued(app, chat)
    answer = bobs.post(f"{path}/pause", {"reason": "Переучёт до обеда"})
    assert (answer.status_code, answer.location) == (303, path)
    page = bobs.get(path)
    for part in ("Очередь приостановлена", "Bob", "Переучёт до обеда", "Возобновить"):
        assert part in words(page, "#queue")
    assert not soup(page).select("#pause-queue")
    bobs.post(f"{path}/resume")
    page = bobs.get(path)
    assert "приостановлена" not in words(page, "#queue")
    assert soup(page).select("#pause-queue")


def test_a_reason_that_is_too_long_stays_and_is_named(bobs: Browser, chat: Chat, path: str) -> None:
    answer = bobs.post(f"{path}/pause", {"reason": "я" * 201})
    assert answer.status_code == 422
    assert words(answer, "#reason-error") == "Причина не длиннее 200 символов."
    assert only(answer, "#reason")["value"] == "я" * 201
