"""Chats: one for one person, whatever WhatsApp calls them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import utcnow
from app.core.errors import Conflict, Invalid, NotFound
from app.extensions import db
from app.models import Chat
from app.services import chat_list, chats, conversation
from app.transaction import transaction
from tests import factories


def person(account, **known) -> Chat:
    with transaction():
        return chats.person(account, **known)


def test_a_number_has_one_chat(account):
    assert person(account, phone="79165550001").id == person(account, phone="79165550001").id


def test_a_chat_learns_the_lid_of_its_number(account):
    first = person(account, phone="79165550001")
    second = person(account, phone="79165550001", lid="300000000001")
    assert (second.id, second.lid) == (first.id, "300000000001")


def test_two_chats_that_are_one_person_are_joined_with_their_messages(account):
    by_lid = person(account, lid="300000000001", name="Anna")
    factories.message(by_lid, body="one")
    by_phone = person(account, phone="79165550001")
    factories.message(by_phone, body="two")
    joined = person(account, phone="79165550001", lid="300000000001")
    assert (joined.phone, joined.lid, joined.name) == ("79165550001", "300000000001", "Anna")
    assert {message.body for message in conversation.newest(joined, limit=9).messages} == {
        "one",
        "two",
    }
    assert [chat.id for chat in db.session.query(Chat)] == [joined.id]


def test_another_accounts_chats_stay_apart(account, instance):
    other = factories.linked_account(instance)
    first = person(account, phone="79165550001")
    assert person(other, phone="79165550001").id != first.id


def test_a_name_is_updated_and_never_lost(account):
    person(account, phone="79165550001", name="Anna")
    assert person(account, phone="79165550001", name="Anna K").name == "Anna K"
    assert person(account, phone="79165550001").name == "Anna K"


@pytest.mark.parametrize(
    ("address", "jid"),
    [
        ("8 916 123 45 67", "79161234567@s.whatsapp.net"),
        ("79161234567@s.whatsapp.net", "79161234567@s.whatsapp.net"),
        ("200000000001@lid", "79161234567@s.whatsapp.net"),
        ("300000000009@lid", "300000000009@lid"),
        ("120363041234567890@g.us", "120363041234567890@g.us"),
    ],
)
def test_an_address_of_any_kind_finds_its_chat(linked, chat, address, jid):
    with transaction():
        found = chats.with_address(linked, address, country="RU")
    assert found.jid == jid


def test_a_group_has_one_chat(account):
    with transaction():
        first, second = (chats.group(account, "120363041234567890") for _ in range(2))
    assert first.id == second.id


@pytest.mark.parametrize("address", ["", "nonsense", "1@example.com", "status@broadcast"])
def test_what_is_no_address_is_refused(linked, address):
    with pytest.raises(Invalid) as caught, transaction():
        chats.with_address(linked, address, country="RU")
    assert caught.value.field == "to"


def test_an_instance_without_a_phone_has_no_chats_to_write_to(instance):
    with pytest.raises(Conflict) as caught, transaction():
        chats.with_address(instance, "+79161234567", country="RU")
    assert caught.value.code == "not_linked"


def test_somebody_elses_chat_is_not_found(instance, chat):
    with pytest.raises(NotFound) as caught:
        chats.get_for(instance, chat.id)
    assert caught.value.code == "chat_not_found"


def test_chats_are_listed_by_their_newest_message(linked, account, chat):
    newer = factories.chat(account, last_at=chat.last_at + timedelta(minutes=1))
    first = chat_list.part_of(linked, limit=1)
    assert ([one.id for one in first.chats], first.more) == ([newer.id], True)
    rest = chat_list.part_of(linked, behind=chat_list.Place.of(newer), limit=1)
    assert ([one.id for one in rest.chats], rest.more) == ([chat.id], False)


def test_an_older_message_does_not_take_over_the_chats_line(chat):
    now = utcnow()
    with transaction():
        chats.touch(chat, text="new", at=now, unread=1)
        chats.touch(chat, text="from history", at=now - timedelta(days=1))
    assert (chat.last_text, chat.last_at, chat.unread) == ("new", now, 1)


def test_reading_forgets_the_unread_count(chat):
    with transaction():
        chats.touch(chat, text="new", at=utcnow(), unread=3)
        chats.mark_read(chat)
    assert chat.unread == 0
