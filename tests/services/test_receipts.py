"""Receipts of messages in groups: whose they are, and when the message itself moves."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select

from app.clock import utcnow
from app.core.events import Subscription
from app.core.groups import GroupFacts
from app.core.groups import GroupMember as GroupFact
from app.core.states import MessageStatus
from app.extensions import db
from app.models import (
    Chat,
    Delivery,
    GroupMember,
    Instance,
    LinkedAccount,
    Message,
    MessageReceipt,
)
from app.models.message import OUTGOING
from app.services import erasures, groups, messaging, receipts
from app.services.people_names import Who
from app.transaction import transaction
from tests import factories
from tests.queries import selects

ANNA, BORIS = ("79161110000", "901"), ("79162220000", "902")
DELIVERED, READ, PLAYED = MessageStatus.DELIVERED, MessageStatus.READ, MessageStatus.PLAYED
NOON = datetime.fromisoformat("2090-01-01T12:00:00+00:00")


@pytest.fixture
def account(linked) -> LinkedAccount:
    factories.endpoint(linked, events=list(Subscription))
    return linked.account


@pytest.fixture
def group(account) -> Chat:
    group = factories.chat(account, kind="group", group_id="120363", lid=None, phone=None)
    put(group, (account.phone, account.lid), ANNA, BORIS)
    return group


@pytest.fixture
def message(group) -> Message:
    """A message of ours that WhatsApp has accepted."""
    return sent(group)


def put(group: Chat, *people: Who) -> None:
    with transaction() as session:
        for phone, lid in people:
            key = lid or phone
            row = GroupMember(chat_id=group.id, key=key, phone=phone, lid=lid, role="member")
            session.add(row)


def sent(group: Chat, wa_id: str = "3EB0A", **values: object) -> Message:
    message = factories.message(
        group, direction=OUTGOING, status=MessageStatus.SENDING, wa_id=None, **values
    )
    with transaction():
        assert messaging.sent(message, wa_id, utcnow())
    return message


def hear(message: Message, who: Who, status: MessageStatus, minute: int = 0, *more: str) -> None:
    with transaction() as session:
        account = session.get_one(LinkedAccount, message.account_id)
        at = NOON + timedelta(minutes=minute)
        receipts.heard(account, [str(message.wa_id), *more], status, at, who)
    db.session.refresh(message)


def minutes(at: datetime | None) -> int | None:
    return None if at is None else int((at - NOON).total_seconds() // 60)


def known(message: Message) -> dict[str | None, tuple[int | None, ...]]:
    return {
        one.phone: tuple(map(minutes, (one.delivered_at, one.read_at, one.played_at)))
        for one in receipts.of(message)
    }


def told() -> list[str]:
    rows = db.session.scalars(select(Delivery).order_by(Delivery.id))
    data = [json.loads(row.body)["data"] for row in rows if row.event == "message_status"]
    return [one["status"] for one in data]


def test_who_is_in_the_group_is_waited_for_but_ourselves(message):
    assert known(message) == {ANNA[0]: (None,) * 3, BORIS[0]: (None,) * 3}
    assert message.recipients == 2


def test_the_message_is_delivered_when_all_have_it_and_read_when_all_have_read_it(message):
    hear(message, ANNA, DELIVERED, 1)
    assert (message.status, told()) == ("sent", [])
    hear(message, BORIS, DELIVERED, 2)
    assert (message.status, told()) == ("delivered", ["delivered"])
    hear(message, BORIS, READ, 3)
    assert message.status == "delivered"
    hear(message, ANNA, READ, 4)
    assert (message.status, told()) == ("read", ["delivered", "read"])
    assert known(message) == {ANNA[0]: (1, 4, None), BORIS[0]: (2, 3, None)}
    assert (minutes(message.delivered_at), minutes(message.read_at)) == (2, 4)


def test_who_has_read_it_has_it_and_who_has_played_it_has_read_it(message):
    hear(message, ANNA, READ, 1)
    hear(message, BORIS, PLAYED, 2)
    assert known(message) == {ANNA[0]: (1, 1, None), BORIS[0]: (2, 2, 2)}
    assert (message.status, told()) == ("read", ["delivered", "read"])
    hear(message, ANNA, PLAYED, 3)
    assert message.status == "played"


def test_receipts_count_in_any_order_and_again(message):
    hear(message, ANNA, READ, 5)
    hear(message, ANNA, DELIVERED, 1)
    hear(message, ANNA, READ, 9)
    hear(message, ANNA, DELIVERED, 8)
    assert known(message)[ANNA[0]] == (1, 5, None)
    assert message.status == "sent"


@pytest.mark.parametrize("who", [(ANNA[0], None), (None, ANNA[1])])
def test_number_and_lid_are_one_person(message, who):
    hear(message, who, DELIVERED, 1)
    hear(message, ANNA, READ, 2)
    assert known(message) == {ANNA[0]: (1, 2, None), BORIS[0]: (None,) * 3}


def test_a_lid_that_only_the_contacts_know_is_the_member(account, group, message):
    factories.whatsapp_contact(account, phone=ANNA[0], lid="977")
    hear(message, (None, "977"), DELIVERED, 1)
    assert known(message)[ANNA[0]] == (1, None, None)
    assert len(receipts.of(message)) == 2


def test_who_comes_later_is_not_waited_for_and_who_leaves_still_is(group, message):
    put(group, ("79163330000", "903"))
    with transaction() as session:
        session.execute(delete(GroupMember).where(GroupMember.key == BORIS[1]))
    hear(message, ANNA, DELIVERED)
    assert message.status == "sent"
    hear(message, BORIS, DELIVERED)
    assert message.status == "delivered"


def test_our_own_devices_are_nobody_in_the_group(account, message):
    hear(message, (account.phone, account.lid), READ)
    assert known(message) == {ANNA[0]: (None,) * 3, BORIS[0]: (None,) * 3}


def test_a_receipt_settles_an_unconfirmed_message_as_sent(group):
    message = factories.message(group, direction=OUTGOING, status="unconfirmed", wa_id="3EB0A")
    hear(message, ANNA, DELIVERED)
    assert (message.status, message.recipients) == ("sent", 2)


def test_a_group_that_is_not_known_yet_moves_nothing_until_it_is(account):
    group = factories.chat(account, kind="group", group_id="7", lid=None, phone=None)
    message = sent(group)
    hear(message, ANNA, DELIVERED, 1)
    assert (message.status, message.recipients) == ("sent", None)
    put(group, ANNA, BORIS)
    hear(message, (None, BORIS[1]), READ, 2)
    assert (message.status, message.recipients) == ("delivered", 2)
    assert known(message) == {ANNA[0]: (1, None, None), BORIS[0]: (2, 2, None)}


def test_a_message_that_all_had_before_the_group_was_known_is_delivered_then(account):
    group = factories.chat(account, kind="group", group_id="7", lid=None, phone=None)
    message = sent(group)
    hear(message, ANNA, DELIVERED, 1)
    hear(message, (None, BORIS[1]), READ, 2)
    members = tuple(GroupFact(*who, "member") for who in (ANNA, BORIS))
    facts = GroupFacts("7", "Couriers", "", False, None, members)
    with transaction() as session:
        groups.learn(session.get_one(LinkedAccount, account.id), facts)
    db.session.refresh(message)
    assert (message.status, told()) == ("delivered", ["delivered"])
    assert known(message) == {ANNA[0]: (1, None, None), BORIS[0]: (2, 2, None)}


def test_one_receipt_may_speak_of_many_messages(group, message):
    other = sent(group, "3EB0B")
    hear(message, ANNA, READ, 1, "3EB0B")
    hear(message, BORIS, READ, 2, "3EB0B")
    db.session.refresh(other)
    assert (message.status, other.status) == ("read", "read")


def test_a_chat_of_two_shows_its_own_times(account):
    chat = factories.chat(account, phone="79165550000", known_as="Вера")
    message = sent(chat)
    assert message.recipients is None
    hear(message, (None, None), READ, 1)
    (one,) = receipts.of(message)
    assert (one.name, minutes(one.delivered_at), minutes(one.read_at)) == ("Вера", 1, 1)
    assert not db.session.scalars(select(MessageReceipt)).all()


def test_what_others_wrote_has_no_receipts(group):
    assert receipts.of(factories.message(group)) == []


def test_erasing_a_person_takes_their_receipts(linked, bob, message):
    hear(message, ANNA, READ)
    contact = factories.contact(linked, phone=ANNA[0], lid=ANNA[1])
    erasures.erase(
        lambda: db.session.get_one(Instance, linked.id), contact.id, typed=ANNA[0], actor=bob
    )
    db.session.expire_all()
    assert set(known(message)) == {BORIS[0]}


def test_receipts_go_with_their_message(message):
    hear(message, ANNA, READ)
    with transaction() as session:
        session.execute(delete(Message).where(Message.id == message.id))
    assert not db.session.scalars(select(MessageReceipt)).all()


@pytest.mark.parametrize("size", [2, 1023])
def test_a_receipt_and_a_look_take_as_many_queries_however_large_the_group(account, size):
    group = factories.chat(account, kind="group", group_id="8", lid=None, phone=None)
    put(group, *((f"7917{number:07}", f"9{number:07}") for number in range(size)))
    message = sent(group)
    assert message.recipients == size
    with selects() as asked:
        hear(message, ("79170000001", "90000001"), READ)
        assert len(receipts.of(message)) == size
    assert len(asked) <= 15
