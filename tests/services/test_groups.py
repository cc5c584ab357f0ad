"""Groups as they are kept: learned, changed, noted and told."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.core.errors import Conflict, Invalid
from app.core.groups import ADMIN, MEMBER, OWNER, GroupFacts, GroupMember, WishedAct
from app.core.states import InstanceState
from app.extensions import db
from app.models import Chat, Delivery, GroupWish, Instance, LinkedAccount, Message, User
from app.models.message import SYSTEM
from app.services import chats, group_changes, group_wishes, groups, messaging
from app.services.group_changes import GroupChange
from app.services.people_names import names_of
from app.transaction import transaction
from tests import factories

ANNA, BORIS, OURS = ("79161110000", "901"), ("79162220000", "902"), ("79160000000", "900")


@pytest.fixture
def account(app: Flask, bob: User) -> LinkedAccount:
    with app.app_context():
        instance = factories.instance(bob)
        factories.endpoint(instance, events=["group_updated"])
        return factories.linked_account(instance, phone=OURS[0], lid=OURS[1])


@pytest.fixture
def context(app: Flask):
    with app.app_context():
        yield


def facts(*members: tuple[tuple[str, str], str], **more: object) -> GroupFacts:
    people = tuple(GroupMember(*who, role) for who, role in members)
    values = {"name": "Couriers", "description": "", "only_admins_write": False} | more
    return GroupFacts(id="120363", created_at=utcnow(), members=people, **values)


def learn(account: LinkedAccount, told: GroupFacts) -> Chat:
    with transaction() as session:
        return groups.learn(session.get_one(LinkedAccount, account.id), told)


def change(account: LinkedAccount, **said: object) -> Chat:
    values = {"group_id": "120363", "by": ANNA, "at": utcnow()} | said
    with transaction() as session:
        return group_changes.apply(
            session.get_one(LinkedAccount, account.id), GroupChange(**values)
        )


def roles(chat: Chat) -> dict[str | None, str]:
    return {one.phone: one.role for one in groups.members_of(chat)}


def notes(chat: Chat) -> list[tuple[str, str]]:
    query = select(Message).where(Message.chat_id == chat.id, Message.direction == SYSTEM)
    return [(one.kind, one.body) for one in db.session.scalars(query.order_by(Message.id))]


def told() -> list[dict[str, object]]:
    rows = db.session.scalars(select(Delivery).order_by(Delivery.id))
    return [json.loads(row.body)["data"] for row in rows]


def test_a_group_is_learned_whole_and_learned_anew(context, account):
    chat = learn(account, facts((ANNA, OWNER), (OURS, MEMBER)))
    assert (chat.name, chat.our_role) == ("Couriers", MEMBER)
    again = learn(account, facts((ANNA, MEMBER), (OURS, ADMIN), (BORIS, MEMBER), name="Night"))
    assert (again.id, again.name, again.our_role) == (chat.id, "Night", ADMIN)
    assert roles(again) == {ANNA[0]: MEMBER, OURS[0]: ADMIN, BORIS[0]: MEMBER}
    last = learn(account, facts((OURS, OWNER)))
    assert roles(last) == {OURS[0]: OWNER}


def test_ourselves_stand_first_then_admins_then_the_others_by_name(context, account):
    chat = learn(account, facts((BORIS, MEMBER), (ANNA, ADMIN), (OURS, MEMBER)))
    assert [one.phone for one in groups.members_of(chat)] == [OURS[0], ANNA[0], BORIS[0]]


def test_groups_we_are_in_no_more_keep_their_chat_and_lose_their_members(context, account):
    chat = learn(account, facts((ANNA, OWNER), (OURS, MEMBER)))
    with transaction() as session:
        groups.forget_others(session.get_one(LinkedAccount, account.id), set())
    chat = db.session.get_one(Chat, chat.id)
    assert (chat.our_role, chat.may_write, groups.members_of(chat)) == (None, False, [])


def test_who_comes_and_goes_is_noted_and_told(context, account):
    chat = learn(account, facts((ANNA, OWNER), (OURS, MEMBER)))
    change(account, joined=[(None, BORIS[1])])
    assert {one.lid for one in groups.members_of(chat)} == {ANNA[1], OURS[1], BORIS[1]}
    learn(account, facts((ANNA, OWNER), (OURS, MEMBER), (BORIS, MEMBER)))
    change(account, left=[(None, BORIS[1])], by=(None, BORIS[1]))
    assert [kind for kind, _ in notes(chat)] == ["group_added", "group_left"]
    assert [(one["change"], one["participants"]) for one in told()] == [
        ("added", [f"{BORIS[1]}@lid"]),
        ("left", [f"{BORIS[0]}@s.whatsapp.net"]),
    ]
    assert told()[0]["by"] == f"{ANNA[0]}@s.whatsapp.net"


def test_the_same_notice_twice_is_one_note_and_one_event(context, account):
    chat = learn(account, facts((ANNA, OWNER), (OURS, MEMBER)))
    at = utcnow()
    for _ in range(2):
        change(account, name="Night", at=at)
    assert notes(chat) == [("group_renamed", "Night")]
    assert len(told()) == 1


def test_notes_are_not_unread_and_are_told_by_nobody_else(context, account):
    chat = learn(account, facts((ANNA, OWNER), (OURS, MEMBER)))
    change(account, name="Night")
    chat = db.session.get_one(Chat, chat.id)
    assert (chat.unread, chat.last_kind, chat.last_text) == (0, "group_renamed", "Night")


def test_being_made_an_admin_lets_us_write_where_only_admins_may(context, account):
    learn(account, facts((ANNA, OWNER), (OURS, MEMBER), only_admins_write=True))
    chat = change(account, promoted=[OURS])
    assert (chat.our_role, chat.may_write) == (ADMIN, True)
    chat = change(account, demoted=[OURS])
    assert chat.may_write is False
    chat = change(account, only_admins_write=False)
    assert chat.may_write is True


def test_a_deleted_group_takes_no_messages(context, account):
    learn(account, facts((ANNA, OWNER), (OURS, MEMBER)))
    chat = change(account, deleted=True)
    instance = db.session.get_one(Instance, account.instance_id)
    with pytest.raises(Conflict) as refused, transaction():
        messaging.queue_text_in(instance, chat, text="Hi", source="ui")
    assert refused.value.code == "not_in_group"


def test_members_are_called_as_the_contacts_call_them(context, account):
    chat = learn(account, facts((ANNA, OWNER), (BORIS, MEMBER), (OURS, MEMBER)))
    instance = db.session.get_one(Instance, account.instance_id)
    factories.contact(instance, phone=ANNA[0], name="Anna of the shop")
    factories.whatsapp_contact(account, phone=BORIS[0], lid=BORIS[1], push_name="boris")
    names = names_of(chat, [ANNA, BORIS, ("79163330000", None), (None, "999")])
    assert names.of(*ANNA, "Annushka") == "Anna of the shop"
    assert names.of(*BORIS, "Borya") == "Borya"
    assert names.of(*BORIS) == "boris"
    assert names.of("79163330000", None) == "+7 916 333-00-00"
    assert names.of(None, "999") == "~999"


def connected(account: LinkedAccount) -> Instance:
    with transaction() as session:
        instance = session.get_one(Instance, account.instance_id)
        instance.state = InstanceState.CONNECTED
        return instance


def test_a_wish_is_taken_once(context, account):
    instance = connected(account)
    with transaction():
        wish = group_wishes.create(instance, "Night", ["+7 916 111-00-00"], country="RU")
    assert wish.people == ["79161110000@s.whatsapp.net"]
    assert group_wishes.next_open(instance.id) is not None
    with transaction():
        assert group_wishes.take(wish.id)
        assert not group_wishes.take(wish.id)
    assert group_wishes.next_open(instance.id) is None


def test_a_wish_nobody_waits_for_any_more_is_not_done(context, account):
    instance = connected(account)
    with transaction():
        wish = group_wishes.create(instance, "Night", ["79161110000"], country="RU")
        wish.asked_at = utcnow() - group_wishes.GOOD_FOR - timedelta(seconds=1)
    assert group_wishes.next_open(instance.id) is None


@pytest.mark.parametrize(
    ("name", "people", "field"),
    [
        ("", ["79161110000"], "name"),
        ("x" * 101, ["79161110000"], "name"),
        ("Night", [], "people"),
        ("Night", ["abc"], "people"),
        ("Night", ["120363@g.us"], "people"),
        ("Night", [str(79161110000 + n) for n in range(101)], "people"),
    ],
)
def test_what_cannot_be_a_group_is_refused_where_it_was_written(
    context, account, name, people, field
):
    instance = connected(account)
    with pytest.raises(Invalid) as refused, transaction():
        group_wishes.create(instance, name, people, country="RU")
    assert refused.value.field == field
    assert db.session.scalars(select(GroupWish)).all() == []


def test_wishes_need_a_connection_and_the_right_role(context, account):
    chat = learn(account, facts((ANNA, OWNER), (OURS, MEMBER)))
    instance = db.session.get_one(Instance, account.instance_id)
    with pytest.raises(Conflict) as refused, transaction():
        group_wishes.simple(instance, chat, WishedAct.LEAVE)
    assert refused.value.code == "not_connected"
    instance = connected(account)
    with pytest.raises(Conflict) as refused, transaction():
        group_wishes.rename(instance, chat, "Mine")
    assert refused.value.code == "not_an_admin"
    with transaction():
        assert group_wishes.simple(instance, chat, WishedAct.LEAVE).act == "leave"


def test_a_chat_with_a_person_is_no_group(context, account):
    instance = connected(account)
    person = factories.chat(account)
    with pytest.raises(Exception) as refused:
        group_wishes.group_of(instance, person.id)
    assert getattr(refused.value, "code", "") == "chat_not_found"
    assert chats.get_for(instance, person.id).id == person.id


def test_a_note_is_shown_anew_once_the_number_is_known(context, account):
    chat = learn(account, facts((ANNA, OWNER), (OURS, MEMBER)))
    change(account, joined=[(None, BORIS[1])])
    query = select(Message.changed_at).where(Message.chat_id == chat.id)
    before = db.session.scalar(query)
    learn(account, facts((ANNA, OWNER), (OURS, MEMBER), (BORIS, MEMBER)))
    assert db.session.scalar(query) > before


def test_members_are_found_by_the_beginning_of_a_word_or_by_digits(context, account):
    chat = learn(account, facts((ANNA, OWNER), (BORIS, MEMBER), (OURS, MEMBER)))
    instance = db.session.get_one(Instance, account.instance_id)
    factories.contact(instance, phone=ANNA[0], name="Анна Ёлкина")
    found = lambda text: [one.phone for one in groups.find(chat, text, limit=8)]  # noqa: E731
    assert found("елк") == found("АНН") == found("1110") == [ANNA[0]]
    assert found("лкина") == []
    assert set(found("")) == {ANNA[0], BORIS[0]}
