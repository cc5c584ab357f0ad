"""Finding chats and messages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import utcnow
from app.extensions import db
from app.models import Chat, LinkedAccount, MessageText
from app.services import chat_search
from app.transaction import transaction
from tests import factories


def bodies(instance, text: str) -> list[str]:
    return [message.body for message in chat_search.find(instance, text).messages]


def names(instance, text: str) -> list[str]:
    return [chat.name for chat in chat_search.find(instance, text).chats]


@pytest.mark.parametrize(
    "text", ["пионы", "ПИОНЫ", "пио", "белые пионы", "Пионы, БЕЛ", "ещe пионы".replace("e", "ё")]
)
def test_a_message_is_found_by_words_that_begin_so_whatever_their_case(linked, chat, text):
    factories.message(chat, body="Добрый день! А белые ПИОНЫ еще есть?")
    factories.message(chat, body="Розы есть")
    assert bodies(linked, text) == ["Добрый день! А белые ПИОНЫ еще есть?"]


@pytest.mark.parametrize("text", ["", "?!", "п", "тюльпаны", '"', "пио* OR розы", "пионы тюльпаны"])
def test_what_no_message_has_finds_none(linked, chat, text):
    factories.message(chat, body="Пионы и розы")
    assert bodies(linked, text) == []


def test_the_newest_of_many_are_told_newest_first(linked, chat):
    start = utcnow() - timedelta(days=1)
    for number in range(chat_search.MESSAGES + 5):
        factories.message(chat, body=f"заказ {number}", shown_at=start + timedelta(minutes=number))
    found = bodies(linked, "заказ")
    assert len(found) == chat_search.MESSAGES
    assert found[0] == f"заказ {chat_search.MESSAGES + 4}"


def test_messages_of_another_account_are_not_found(linked, instance, chat):
    factories.message(factories.chat(factories.linked_account(instance)), body="секрет")
    assert bodies(linked, "секрет") == []
    assert bodies(linked, "acc") == []


def test_a_text_that_changed_is_found_by_its_new_words_alone(linked, chat):
    message = factories.message(chat, body="старое")
    with transaction() as session:
        session.get_one(type(message), message.id).body = "новое"
    assert bodies(linked, "старое") == []
    assert bodies(linked, "новое") == ["новое"]


def test_what_is_deleted_with_its_chat_leaves_nothing_behind(linked, chat):
    factories.message(chat, body="пионы")
    with transaction() as session:
        session.delete(session.get_one(Chat, chat.id))
    assert bodies(linked, "пионы") == []
    assert db.session.query(MessageText).count() == 0
    other = factories.message(factories.chat(linked.account), body="розы")
    assert [m.id for m in chat_search.find(linked, "розы").messages] == [other.id]


def test_chats_are_found_by_any_word_of_their_names(linked, account):
    factories.chat(account, name="Мария Ёлкина")
    factories.chat(account, name="Пётр")
    assert names(linked, "елк") == ["Мария Ёлкина"]
    assert names(linked, "мария ёл") == ["Мария Ёлкина"]
    assert names(linked, "ария") == []


@pytest.mark.parametrize("text", ["79165551234", "+7 916 555-12-34", "8 916 555-12", "5551234"])
def test_chats_are_found_by_their_number_in_any_notation(
    linked, account: LinkedAccount, text: str
) -> None:
    factories.chat(account, name="", phone="79165551234")
    factories.chat(account, name="", phone="79161112233")
    found = chat_search.find(linked, text).chats
    assert [chat.phone for chat in found] == ["79165551234"]
