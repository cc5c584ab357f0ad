"""What waits for a device, and what settles it."""

from __future__ import annotations

from app.sandbox.mailbox import Mailbox
from app.sandbox.wire.jid import JID
from app.sandbox.wire.node import Node

PHONE, OTHER = JID("77", "lid"), JID("77", "lid", 2)


def _message(message_id: str, text: bytes = b"x") -> Node:
    return Node("message", {"id": message_id, "from": PHONE}, text)


def _receipt(message_id: str, sender: JID, kind: str) -> Node:
    return Node("receipt", {"id": message_id, "from": sender, "type": kind})


def _ack(node: Node) -> Node:
    attrs = {"class": node.tag, "id": node.get("id"), "to": node.jid("from")}
    if node.tag != "message" and node.get("type"):
        attrs["type"] = node.get("type")
    return Node("ack", {**attrs})


def test_a_message_waits_until_a_receipt_or_an_ack_names_it() -> None:
    mailbox = Mailbox()
    for message_id in ("A", "B", "C"):
        mailbox.add(_message(message_id))
    mailbox.settle_message("A")
    mailbox.settle(_ack(_message("B")))
    mailbox.settle_message("no such id")
    assert [node.get("id") for node in mailbox.waiting()] == ["C"]


def test_receipts_of_one_message_wait_each_for_its_own_ack() -> None:
    mailbox = Mailbox()
    waiting = [
        _receipt("A", PHONE, "read"),
        _receipt("A", OTHER, "read"),
        _receipt("A", PHONE, "played"),
    ]
    for node in waiting:
        mailbox.add(node)
    mailbox.settle(_ack(waiting[1]))
    assert mailbox.waiting() == [waiting[0], waiting[2]]


def test_a_receipt_for_a_message_does_not_settle_a_receipt_with_its_id() -> None:
    mailbox = Mailbox()
    mailbox.add(_receipt("A", PHONE, "read"))
    mailbox.settle_message("A")
    assert len(mailbox) == 1


def test_the_ack_of_an_unreadable_message_does_not_settle_its_resend() -> None:
    mailbox = Mailbox()
    mailbox.add(_message("A", b"garbled"))
    mailbox.ask_again("A")
    mailbox.add(_message("A", b"resent"))
    mailbox.settle(_ack(_message("A")))
    assert [node.content for node in mailbox.waiting()] == [b"resent"]
    mailbox.settle_message("A")
    assert len(mailbox) == 0


def test_a_mailbox_keeps_its_order_when_it_is_stored() -> None:
    mailbox = Mailbox()
    for node in (_message("B"), _receipt("A", PHONE, "read"), _message("A")):
        mailbox.add(node)
    assert Mailbox.load(mailbox.dump()).waiting() == mailbox.waiting()
    assert mailbox.counts() == {"message": 2, "receipt": 1}
