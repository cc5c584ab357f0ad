"""Blocked people: wished for, done, known from the list, and not written to."""

from __future__ import annotations

import pytest

from app.core.errors import Conflict, NotFound
from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.models import Chat, GroupWish, Instance, LinkedAccount, Message, User
from app.models.chat import GROUP
from app.services import blocking, chats, messaging
from app.transaction import transaction
from tests import factories


@pytest.fixture
def account(app_context: object, bob: User) -> LinkedAccount:
    return factories.linked_account(factories.instance(bob, state=InstanceState.CONNECTED))


def wish(chat: Chat, *, blocked: bool = True) -> GroupWish:
    with transaction() as session:
        found = session.get_one(Chat, chat.id)
        instance = session.get_one(Instance, found.instance_id)
        return blocking.wish(instance, found, blocked=blocked)


def learn(account: LinkedAccount, *jids: str) -> None:
    with transaction() as session:
        blocking.learn(session.get_one(LinkedAccount, account.id), jids)


def is_blocked(chat: Chat) -> bool:
    db.session.rollback()
    return db.session.get_one(Chat, chat.id, populate_existing=True).blocked_at is not None


def block(account: LinkedAccount, chat: Chat, *, blocked: bool = True) -> None:
    with transaction() as session:
        row = session.get_one(LinkedAccount, account.id)
        blocking.done(row, phone=chat.phone, lid=chat.lid, blocked=blocked)


def queue(chat: Chat) -> str:
    with transaction() as session:
        found = session.get_one(Chat, chat.id)
        instance = session.get_one(Instance, found.instance_id)
        return messaging.queue_text_in(instance, found, text="hello", source="ui").id


def test_a_person_is_named_by_lid_where_it_is_known(account: LinkedAccount) -> None:
    both, numbered = factories.chat(account), factories.chat(account, lid=None)
    assert wish(both).people == [f"{both.lid}@lid"]
    unblock = wish(numbered, blocked=False)
    assert (unblock.act, unblock.people) == ("unblock", [f"{numbered.phone}@s.whatsapp.net"])


def test_only_people_of_a_connected_account_are_blocked(account: LinkedAccount) -> None:
    group = factories.chat(account, kind=GROUP, group_id="1203630", phone=None, lid=None)
    with pytest.raises(NotFound):
        wish(group)
    chat = factories.chat(account)
    with transaction() as session:
        session.get_one(Instance, account.instance_id).state = InstanceState.DISCONNECTED
    with pytest.raises(Conflict) as refused:
        wish(chat)
    assert refused.value.code == "not_connected"
    factories.linked_account(db.session.get_one(Instance, account.instance_id))
    with pytest.raises(Conflict) as refused:
        wish(chat)
    assert refused.value.code == "other_account"


def test_nothing_is_queued_for_somebody_who_is_blocked(account: LinkedAccount) -> None:
    chat = factories.chat(account)
    failed = factories.message(chat, direction="out", status=MessageStatus.FAILED)
    lost = factories.message(chat, direction="out", status=MessageStatus.UNCONFIRMED)
    block(account, chat)
    for act in (
        lambda: queue(chat),
        lambda: messaging.retry(db.session.get_one(Message, failed.id)),
        lambda: messaging.resend(db.session.get_one(Message, lost.id), source="ui"),
    ):
        db.session.rollback()
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "chat_blocked"
    block(account, chat, blocked=False)
    assert queue(chat)


def test_the_list_is_the_truth_about_who_is_blocked(account: LinkedAccount) -> None:
    by_lid, by_number, other = (factories.chat(account) for _ in range(3))
    block(account, other)
    learn(account, f"{by_lid.lid}@lid", f"{by_number.phone}@s.whatsapp.net", "999@lid")
    assert [is_blocked(one) for one in (by_lid, by_number, other)] == [True, True, False]
    learn(account)
    assert not any(is_blocked(one) for one in (by_lid, by_number, other))


def test_a_list_of_lids_says_nothing_about_who_is_known_by_number_alone(
    account: LinkedAccount,
) -> None:
    chat = factories.chat(account, lid=None)
    block(account, chat)
    learn(account, "999@lid")
    assert is_blocked(chat)
    learn(account)
    assert not is_blocked(chat)


def test_the_same_person_of_another_account_is_not_blocked(account: LinkedAccount) -> None:
    chat = factories.chat(account)
    former = chat.lid
    other = factories.linked_account(db.session.get_one(Instance, account.instance_id))
    twin = factories.chat(other, lid=former, phone=chat.phone)
    learn(account, f"{former}@lid")
    assert (is_blocked(chat), is_blocked(twin)) == (True, False)


def test_two_chats_that_are_joined_stay_blocked(account: LinkedAccount) -> None:
    by_phone = factories.chat(account, lid=None, phone="15559990001")
    by_lid = factories.chat(account, lid="777000", phone=None)
    block(account, by_lid)
    with transaction() as session:
        row = session.get_one(LinkedAccount, account.id)
        chats.person(row, phone="15559990001", lid="777000")
    assert is_blocked(by_phone)
