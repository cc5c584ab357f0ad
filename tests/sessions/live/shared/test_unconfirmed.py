"""Messages whose answer never came, on the real engine: each settles to the right one."""

from __future__ import annotations

from typing import Any

from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.models import Message
from app.services import amending, messaging
from app.transaction import transaction
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for

UNCONFIRMED = MessageStatus.UNCONFIRMED


def leave_unconfirmed(product: Product, instance_id: str, text: str) -> str:
    """A message that arrived while nobody acknowledges it and its host dies; its id."""
    before = len(product.received())
    message_id = product.queue(instance_id, text)
    wait_for(lambda: len(product.received()) > before, PATIENCE, "the other phone has it")
    product.kill("sessions")
    product.start("sessions")
    wait_for(lambda: product.message(message_id).status == UNCONFIRMED, PATIENCE, "unconfirmed")
    return message_id


def wait_status(product: Product, message_id: str, *statuses: MessageStatus) -> None:
    wait_for(lambda: product.message(message_id).status in statuses, PATIENCE, f"{statuses}")


def amended(product: Product, said: str) -> list[dict[str, Any]]:
    """The reactions, edits or deletions that the other phone has."""
    return [one for one in product.received() if one["type"] == said]


def test_two_unconfirmed_messages_of_one_chat_settle_each_to_the_right_one(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    product.sandbox.client.set_faults(ack_messages=False, withhold_receipts=True)
    first = leave_unconfirmed(product, instance_id, "The same words")
    second = leave_unconfirmed(product, instance_id, "The same words")
    sent = [entry["id"] for entry in product.received()]
    assert [product.message(one).wa_id for one in (first, second)] == sent
    assert {product.message(one).status for one in (first, second)} == {UNCONFIRMED}
    product.sandbox.client.reset_faults()

    product.sandbox.client.read(PEER_NUMBER, OWN_NUMBER, [sent[1]])
    wait_status(product, second, MessageStatus.READ)
    assert product.message(first).status == UNCONFIRMED

    product.sandbox.client.read(PEER_NUMBER, OWN_NUMBER, [sent[0]])
    wait_status(product, first, MessageStatus.READ)
    assert len(product.received()) == 2


def test_own_phone_that_has_the_message_settles_it_as_sent(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    client.set_faults(ack_messages=False)
    client.set_faults(PEER_NUMBER, withhold_receipts=True)

    message_id = product.queue(instance_id, "Seen on the own phone")
    wait_for(product.received, PATIENCE, "the other phone has it")
    product.kill("sessions")
    product.start("sessions")

    wait_status(product, message_id, MessageStatus.SENT)


def test_resent_message_goes_out_under_an_id_of_its_own(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    product.sandbox.client.set_faults(ack_messages=False, withhold_receipts=True)
    old = leave_unconfirmed(product, instance_id, "Perhaps twice")
    product.sandbox.client.reset_faults()
    product.wait_state(instance_id, InstanceState.CONNECTED)

    with product.app.app_context(), transaction():
        again = messaging.resend(db.session.get_one(Message, old), source="ui").id

    wait_status(product, again, MessageStatus.DELIVERED)
    first, second = product.received()
    assert first["id"] != second["id"] == product.message(again).wa_id
    assert product.message(old).status == UNCONFIRMED
    product.sandbox.client.read(PEER_NUMBER, OWN_NUMBER, [first["id"]])
    wait_status(product, old, MessageStatus.READ)
    assert product.message(again).status == MessageStatus.DELIVERED


def test_amendments_caught_in_mid_send_are_done_after_the_crash(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    asked = client.send(PEER_NUMBER, OWN_NUMBER, "When?")
    first, second = product.queue(instance_id, "At sevn"), product.queue(instance_id, "Oops")
    wait_status(product, first, MessageStatus.DELIVERED)
    wait_status(product, second, MessageStatus.DELIVERED)
    (question,) = [one for one in product.messages(instance_id) if one.wa_id == asked]

    for said, message_id, amend in (
        ("reaction", question.id, lambda one: amending.react(one, "👍", source="api")),
        ("edit", first, lambda one: amending.edit(one, "At seven", source="api")),
        ("delete", second, lambda one: amending.remove(one, source="api")),
    ):
        client.set_faults(ack_messages=False)
        with product.app.app_context(), transaction() as session:
            amendment = amend(session.get_one(Message, message_id)).id
        wait_for(lambda said=said: amended(product, said), PATIENCE, f"the {said} is on the phone")
        assert product.message(amendment).status == MessageStatus.SENDING
        product.kill("sessions")
        client.reset_faults()
        product.start("sessions")
        wait_status(product, amendment, MessageStatus.SENT, MessageStatus.DELIVERED)

    with product.app.app_context():
        mine, gone = (db.session.get_one(Message, one) for one in (first, second))
        theirs = db.session.get_one(Message, question.id)
        assert [(one.emoji, one.from_me) for one in theirs.reactions] == [("👍", True)]
        assert mine.body == "At seven"
        assert [former["text"] for former in mine.former_texts or []] == ["At sevn"]
        assert (gone.body, gone.deleted_at is not None) == ("", True)
    targets = [asked, *(product.message(one).wa_id for one in (first, second))]
    for said, target in zip(("reaction", "edit", "delete"), targets, strict=True):
        assert {one["target"] for one in amended(product, said)} == {target}
