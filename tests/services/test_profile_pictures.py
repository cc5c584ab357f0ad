"""Whose pictures are asked for, and what becomes of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.core.errors import NotFound
from app.core.states import InstanceState
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, ProfilePicture, User
from app.services import chats, media, profile_pictures
from app.services.people_names import Who
from app.transaction import transaction
from tests import factories

URL = "https://pps.whatsapp.net/v/1?x=1"


@pytest.fixture
def account(app_context: object, bob: User) -> LinkedAccount:
    shop = factories.instance(bob, state=InstanceState.CONNECTED)
    return factories.linked_account(shop)


@pytest.fixture
def chat(account: LinkedAccount) -> Chat:
    return factories.chat(account)


def unknown(*shown: Chat) -> list[str]:
    db.session.rollback()
    rows = [db.session.get_one(Chat, one.id, populate_existing=True) for one in shown]
    return profile_pictures.unknown_of(db.session.get_one(Instance, rows[0].instance_id), rows)


def want(*shown: Chat) -> None:
    with transaction():
        profile_pictures.want(shown[0].instance_id, [one.id for one in shown])


def look(chat: Chat) -> ProfilePicture:
    db.session.rollback()
    return db.session.get_one(ProfilePicture, chat.id, populate_existing=True)


def age(chat: Chat, **passed: timedelta) -> None:
    with transaction():
        row = db.session.get_one(ProfilePicture, chat.id)
        for name, by in passed.items():
            setattr(row, name, utcnow() - by)


def store(chat: Chat, picture_id: str = "1", key: str = "k" * 32) -> None:
    with transaction():
        profile_pictures.told(chat.id, picture_id, URL)
    errand = profile_pictures.errand_of(chat.id)
    assert errand is not None
    with transaction():
        assert profile_pictures.stored(errand, key=key, mime="image/jpeg")


def test_a_picture_is_wanted_once_and_again_when_nobody_followed_the_wish(chat: Chat) -> None:
    assert unknown(chat) == [chat.id]
    want(chat)
    assert unknown(chat) == []
    age(chat, wanted_at=profile_pictures.GOOD_FOR)
    assert unknown(chat) == [chat.id]
    want(chat)
    assert unknown(chat) == []


def test_one_look_wishes_for_a_bounded_number(account: LinkedAccount) -> None:
    many = [factories.chat(account) for _ in range(profile_pictures.MOST_WISHES + 3)]
    assert len(unknown(*many)) == profile_pictures.MOST_WISHES


def test_nothing_is_wanted_while_not_connected_nor_of_a_former_account(
    account: LinkedAccount, chat: Chat
) -> None:
    with transaction() as session:
        shop = session.get_one(Instance, account.instance_id)
        shop.state = InstanceState.DISCONNECTED
    assert unknown(chat) == []
    with transaction() as session:
        shop = session.get_one(Instance, account.instance_id)
        shop.state = InstanceState.CONNECTED
    assert unknown(chat) == [chat.id]
    factories.linked_account(shop)
    assert unknown(chat) == []


def test_wishes_are_followed_in_their_order_while_they_are_young(
    account: LinkedAccount, chat: Chat
) -> None:
    first = factories.chat(account)
    want(chat, first)
    age(first, wanted_at=timedelta(minutes=2))

    def following() -> str | None:
        db.session.rollback()
        shop = db.session.get_one(Instance, account.instance_id)
        found = profile_pictures.next_wanted(shop)
        return found.id if found else None

    assert following() == first.id
    age(first, wanted_at=timedelta(hours=1))
    assert following() == chat.id
    with transaction():
        profile_pictures.not_told(chat.id)
    assert following() is None
    assert unknown(chat) == []
    age(chat, fetched_at=timedelta(days=2))
    assert unknown(chat) == [chat.id]


def test_a_stored_picture_is_news_of_the_chat_and_the_same_one_is_not_downloaded_again(
    chat: Chat,
) -> None:
    want(chat)
    before = chat.changed_at
    store(chat)
    assert db.session.get_one(Chat, chat.id, populate_existing=True).changed_at > before
    row = look(chat)
    assert (row.storage_key, row.url, row.wanted_at) == ("k" * 32, None, None)
    assert media.keys_in_use(["k" * 32, "other"]) == {"k" * 32}
    with transaction():
        profile_pictures.told(chat.id, "1", URL)
    assert profile_pictures.errand_of(chat.id) is None
    store(chat, picture_id="2", key="n" * 32)
    assert look(chat).storage_key == "n" * 32


def test_a_picture_that_could_not_be_had_leaves_the_former_one(chat: Chat) -> None:
    want(chat)
    store(chat)
    with transaction():
        profile_pictures.told(chat.id, "2", URL)
    errand = profile_pictures.errand_of(chat.id)
    assert errand is not None
    with transaction():
        profile_pictures.failed(errand)
    assert look(chat).storage_key == "k" * 32
    with transaction():
        profile_pictures.told(chat.id, "2", URL)
    assert profile_pictures.errand_of(chat.id) is not None
    with transaction():
        assert not profile_pictures.stored(
            profile_pictures.Errand(chat.id, "https://pps.whatsapp.net/old", None),
            key="x",
            mime="y",
        )


def test_a_picture_that_was_taken_away_is_shown_no_more(chat: Chat) -> None:
    want(chat)
    store(chat)
    with transaction():
        profile_pictures.told_none(chat.id)
    row = look(chat)
    assert (row.absent, row.storage_key) == (True, None)
    assert unknown(chat) == []
    with pytest.raises(NotFound):
        profile_pictures.stored_of(chat)
    assert media.keys_in_use(["k" * 32]) == set()


def test_what_is_told_of_a_chat_that_is_gone_changes_nothing(app: Flask, chat: Chat) -> None:
    want(chat)
    with transaction() as session:
        session.delete(session.get_one(Chat, chat.id))
    with transaction():
        profile_pictures.told(chat.id, "1", URL)
        profile_pictures.told_none(chat.id)
        profile_pictures.not_told(chat.id)
    assert db.session.get(ProfilePicture, chat.id) is None


def test_two_chats_that_are_joined_keep_one_picture(account: LinkedAccount) -> None:
    by_phone = factories.chat(account, lid=None, phone="15559990001")
    by_lid = factories.chat(account, lid="777000", phone=None)
    want(by_phone, by_lid)
    store(by_phone)
    with transaction() as session:
        again = session.get_one(LinkedAccount, account.id)
        kept = chats.person(again, phone="15559990001", lid="777000").id
    assert kept == by_phone.id
    assert look(by_phone).storage_key == "k" * 32
    assert db.session.get(ProfilePicture, by_lid.id) is None


@pytest.fixture
def group(account: LinkedAccount) -> Chat:
    return factories.chat(account, kind="group", group_id="120363", lid=None, phone=None)


def faces(group: Chat, *people: Who) -> profile_pictures.Faces:
    db.session.rollback()
    return profile_pictures.faces_of(group.account_id, people)


def unknown_members(group: Chat, *people: Who) -> list[Who]:
    known = faces(group, *people)
    chat = db.session.get_one(Chat, group.id)
    instance = db.session.get_one(Instance, chat.instance_id)
    return profile_pictures.unknown_people(instance, chat.account_id, people, known)


def want_members(group: Chat, *people: Who) -> None:
    with transaction() as session:
        chat = session.get_one(Chat, group.id)
        account = session.get_one(LinkedAccount, chat.account_id)
        profile_pictures.want_people(account, people, seen_in=chat)


ANNA: Who = ("79161110000", "901")


def test_somebody_who_is_no_chat_is_asked_about_once(group: Chat) -> None:
    assert unknown_members(group, ANNA) == [ANNA]
    want_members(group, ANNA)
    assert unknown_members(group, ANNA) == []
    instance = db.session.get_one(Instance, group.instance_id)
    wanted = profile_pictures.next_wanted(instance)
    assert wanted is not None
    assert wanted.jid == "79161110000@s.whatsapp.net"
    with transaction():
        profile_pictures.told(wanted.id, "1", URL, since=wanted.since)
    assert unknown_members(group, ("79161110000", None), (None, "901")) == []
    assert db.session.scalars(select(Chat.kind)).all() == ["group"]


def test_a_member_who_is_a_chat_shares_its_picture(account: LinkedAccount, group: Chat) -> None:
    chat = factories.chat(account, phone=ANNA[0], lid=None)
    want_members(group, ANNA)
    assert look(chat).wanted_at is not None
    store(chat)
    face = faces(group, ANNA).of(*ANNA)
    assert face is not None
    assert face.id == chat.id


def test_what_a_member_wrote_is_drawn_anew_when_the_picture_has_come(group: Chat) -> None:
    wrote = factories.message(group, sender_lid=ANNA[1])
    other = factories.message(group, sender_lid="902")
    want_members(group, ANNA)
    (row,) = db.session.scalars(select(ProfilePicture))
    before = {one.id: one.changed_at for one in (wrote, other)}
    with transaction():
        profile_pictures.told(row.id, "1", URL)
    errand = profile_pictures.errand_of(row.id)
    assert errand is not None
    with transaction():
        assert profile_pictures.stored(errand, key="k" * 32, mime="image/jpeg")
    db.session.expire_all()
    assert wrote.changed_at > before[wrote.id]
    assert other.changed_at == before[other.id]


def notice(account: LinkedAccount, who: Who, **more: bool) -> None:
    with transaction() as session:
        row = session.get_one(LinkedAccount, account.id)
        profile_pictures.changed(row, who, **more)


def test_a_picture_that_is_changed_is_asked_for_when_somebody_looks(
    account: LinkedAccount, chat: Chat
) -> None:
    notice(account, (chat.phone, None))
    assert db.session.get(ProfilePicture, chat.id) is None  # nobody had looked
    want(chat)
    store(chat)
    assert unknown(chat) == []
    notice(account, (None, chat.lid))
    assert look(chat).wanted_at is None
    assert look(chat).storage_key is not None  # shown until there is another
    assert unknown(chat) == [chat.id]


def test_a_notice_that_comes_between_question_and_answer_is_not_lost(
    account: LinkedAccount, chat: Chat
) -> None:
    want(chat)
    asked = profile_pictures.next_wanted(db.session.get_one(Instance, chat.instance_id))
    assert asked is not None
    notice(account, (chat.phone, None))
    with transaction():
        profile_pictures.told(chat.id, "1", URL, since=asked.since)
    again = profile_pictures.next_wanted(db.session.get_one(Instance, chat.instance_id))
    assert again is not None
    assert again.id == chat.id


def test_a_picture_that_is_taken_away_is_gone_at_once(account: LinkedAccount, chat: Chat) -> None:
    want(chat)
    store(chat)
    notice(account, (chat.phone, chat.lid), removed=True)
    assert (look(chat).storage_key, look(chat).absent) == (None, True)
    assert unknown(chat) == []
