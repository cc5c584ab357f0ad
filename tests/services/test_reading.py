"""What people here have read, and what of it WhatsApp is still to be told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.clock import utcnow
from app.core.reading import ReadReceipts
from app.extensions import db
from app.models import Chat, Instance, ReadMark
from app.services import reading
from app.transaction import transaction
from tests import factories


@pytest.fixture
def unread(linked, chat) -> list[str]:
    """The ids of two messages that nobody has read, behind one that was, and one of ours."""
    start = utcnow() - timedelta(minutes=9)
    for number, direction in enumerate(("in", "in", "out", "in")):
        factories.message(
            chat,
            direction=direction,
            wa_id=f"A{number}",
            sender_lid="8001" if direction == "in" else None,
            shown_at=start + timedelta(minutes=number),
        )
    with transaction() as session:
        session.get_one(Chat, chat.id).unread = 2
        session.get_one(Instance, linked.id).read_receipts = ReadReceipts.OPENING
    return ["A1", "A3"]


def marks() -> list[str]:
    return list(db.session.scalars(select(ReadMark.message_id)))


def opened(instance: Instance, chat: Chat) -> None:
    with transaction():
        reading.opened(instance, chat)


def due(account) -> list[str]:
    receipt = reading.next_receipt(account.id)
    return sorted(receipt.wa_ids) if receipt else []


def test_opening_a_chat_has_its_unread_messages_told_and_no_others(linked, chat, account, unread):
    opened(linked, chat)
    assert chat.unread == 0
    assert due(account) == unread
    opened(linked, chat)
    assert len(marks()) == 2


@pytest.mark.parametrize("when", [ReadReceipts.OFF, ReadReceipts.ARRIVAL])
def test_otherwise_opening_a_chat_tells_nothing(linked, chat, unread, when):
    with transaction() as session:
        session.get_one(Instance, linked.id).read_receipts = when
    opened(linked, chat)
    assert (chat.unread, marks()) == (0, [])


def test_a_program_has_it_told_whatever_the_setting(linked, chat, account, unread):
    with transaction() as session:
        session.get_one(Instance, linked.id).read_receipts = ReadReceipts.OFF
    with transaction():
        assert reading.asked(linked, chat) == 2
    assert due(account) == unread
    with transaction():
        assert reading.asked(linked, chat) == 1
    assert len(marks()) == 2


def test_messages_of_a_number_that_is_linked_no_more_are_not_told(linked, chat, unread):
    factories.linked_account(linked)
    db.session.refresh(linked)
    opened(linked, chat)
    assert (chat.unread, marks()) == (0, [])


def test_in_a_group_each_sender_is_told_by_itself(linked, account):
    group = factories.chat(account, kind="group", group_id="12036304", lid=None, phone=None)
    for lid, phone in (("8001", None), ("8002", None), (None, "15552001"), ("8001", None)):
        factories.message(group, sender_lid=lid, sender_phone=phone)
    with transaction() as session:
        session.get_one(Chat, group.id).unread = 4
        session.get_one(Instance, linked.id).read_receipts = ReadReceipts.OPENING
    opened(linked, group)
    told = []
    while receipt := reading.next_receipt(account.id):
        assert receipt.chat == "12036304@g.us"
        told.append((receipt.sender, len(receipt.wa_ids)))
        with transaction():
            reading.told(receipt.message_ids)
    assert sorted(told) == [("15552001@s.whatsapp.net", 1), ("8001@lid", 2), ("8002@lid", 1)]


def test_at_most_so_many_are_told_and_they_are_the_newest(
    linked, chat, account, unread, monkeypatch
):
    monkeypatch.setattr(reading, "MOST", 1)
    opened(linked, chat)
    assert (chat.unread, due(account)) == (0, ["A3"])


def test_what_is_refused_is_tried_a_few_times_later(linked, chat, account, unread):
    opened(linked, chat)
    for _ in range(reading.TRIES):
        receipt = reading.next_receipt(account.id)
        assert receipt is not None
        with transaction():
            reading.refused(receipt.message_ids)
        assert due(account) == []
        with transaction() as session:
            session.execute(update(ReadMark).values(due_at=utcnow()))
    assert marks() == []
