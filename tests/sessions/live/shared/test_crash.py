"""A host that is killed: nothing lost, nothing doubled, judged by the network's own journal."""

from __future__ import annotations

from collections import Counter

from app.core.states import MessageStatus
from app.models.message import INCOMING
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for

EACH_WAY = 20


def test_killed_in_the_middle_nothing_is_lost_or_doubled(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    outgoing = [product.queue(instance_id, f"out {number}") for number in range(EACH_WAY)]
    for number in range(EACH_WAY):
        product.sandbox.client.send(PEER_NUMBER, OWN_NUMBER, f"in {number}")
    wait_for(lambda: len(product.received()) > EACH_WAY // 4, PATIENCE, "it is in the middle")

    product.kill("sessions")
    product.start("sessions")

    def settled() -> bool:
        statuses = {product.message(message_id).status for message_id in outgoing}
        return statuses <= {MessageStatus.DELIVERED, MessageStatus.READ}

    wait_for(settled, 2 * PATIENCE, "everything sent is settled")
    expected = Counter(f"in {number}" for number in range(EACH_WAY))

    def stored() -> Counter[str]:
        mine = product.messages(instance_id)
        return Counter(message.body for message in mine if message.direction == INCOMING)

    wait_for(lambda: stored() >= expected, PATIENCE, "everything received is stored")
    assert stored() == expected
    sent = Counter(entry["text"] for entry in product.received())
    assert sent == Counter(f"out {number}" for number in range(EACH_WAY))


def test_killed_while_whatsapp_does_not_answer_the_message_is_known_and_not_sent_again(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    product.sandbox.client.set_faults(ack_messages=False)
    message_id = product.queue(instance_id, "Gone, but never acknowledged")
    wait_for(product.received, PATIENCE, "the other phone has it")
    assert product.message(message_id).status == MessageStatus.SENDING

    product.kill("sessions")
    product.sandbox.client.reset_faults()
    product.start("sessions")

    wait_for(lambda: product.message(message_id).wa_id, PATIENCE, "its id is found")
    (received,) = product.received()
    assert product.message(message_id).wa_id == received["id"]
    after = product.queue(instance_id, "After")
    wait_for(lambda: product.message(after).status == MessageStatus.DELIVERED, PATIENCE)
    assert len(product.received()) == 2
