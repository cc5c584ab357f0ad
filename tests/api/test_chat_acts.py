"""What a program says about a chat: that it has read it, that it types."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.presence import Presence
from app.extensions import db
from app.models import Chat, Instance, ReadMark
from app.transaction import transaction
from tests import factories


@pytest.fixture
def anna(app: Flask, linked: Instance) -> Chat:
    """A chat with two messages that nobody has read."""
    with app.app_context():
        chat = factories.chat(linked.account, phone="79161234567", lid="300000000001", unread=2)
        for _ in range(3):
            factories.message(chat)
        return chat


def unread(app: Flask, chat: Chat) -> int:
    with app.app_context():
        return db.session.get_one(Chat, chat.id).unread


@pytest.mark.parametrize(
    "name",
    ["cht", "79161234567", "%2B7 916 123-45-67", "79161234567@s.whatsapp.net", "300000000001@lid"],
)
def test_a_chat_is_read_under_any_of_its_names(app: Flask, api, linked, anna, name):
    path = f"/api/instances/{linked.id}/chats/{anna.id if name == 'cht' else name}/read"
    answer = api.post(path)
    assert (answer.status_code, answer.json) == (
        200,
        {"chatId": "79161234567@s.whatsapp.net", "receipts": 2},
    )
    assert unread(app, anna) == 0
    with app.app_context():
        assert db.session.query(ReadMark).count() == 2


@pytest.mark.parametrize("name", ["cht_1", "79160000000", "nonsense", "1@example.com", "1@g.us"])
@pytest.mark.parametrize("act", ["read", "typing"])
def test_a_chat_that_is_not_there_is_not_made(app: Flask, api, linked, anna, name, act):
    answer = api.post(f"/api/instances/{linked.id}/chats/{name}/{act}", {"typing": True})
    assert (answer.status_code, answer.json["code"]) == (404, "chat_not_found")
    with app.app_context():
        assert db.session.query(Chat).count() == 1


def test_an_instance_that_was_never_linked_has_no_chats(api, instance):
    answer = api.post(f"/api/instances/{instance.id}/chats/79161234567/read")
    assert (answer.status_code, answer.json["code"]) == (404, "chat_not_found")


def test_typing_is_told_only_where_it_is_shown(app: Flask, api, linked, anna):
    path = f"/api/instances/{linked.id}/chats/79161234567/typing"
    assert api.post(path, {"typing": True}).json == {"told": True}
    with app.app_context(), transaction() as session:
        session.get_one(Instance, linked.id).presence = Presence.NEVER
    assert api.post(path, {"typing": True}).json == {"told": False}
    assert api.post(path, {"typing": "maybe"}).status_code == 422
