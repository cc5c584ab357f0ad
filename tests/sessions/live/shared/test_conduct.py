"""What an instance is told about its conduct is done on the connection that stands."""

from __future__ import annotations

from app.core.reading import ReadReceipts
from app.core.states import MessageStatus
from app.models import User
from app.services import conduct
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for


def read_receipts(product: Product) -> list[str]:
    """The ids of the peer's messages that it was told were read."""
    told = [one for one in product.sandbox.client.log() if one["kind"] == "receipt"]
    read = [one for one in told if one["account"] == PEER_NUMBER and one["type"] == "read"]
    return [wa_id for one in read for wa_id in one["ids"]]


def arrive(product: Product, instance_id: str, text: str) -> str:
    """The peer writes `text`, and it is in the database; its id on WhatsApp."""
    product.sandbox.client.send(PEER_NUMBER, OWN_NUMBER, text)

    def stored() -> str | None:
        return next((one.wa_id for one in product.messages(instance_id) if one.body == text), None)

    wa_id = wait_for(stored, PATIENCE, f"{text} is stored")
    assert wa_id
    return wa_id


def test_pace_holds_back_the_next_message_until_it_is_changed(
    linked: tuple[Product, str], bob: User
) -> None:
    product, instance_id = linked
    product.act(conduct.set_pace, instance_id, seconds=600, actor=bob)
    first, second = (product.queue(instance_id, text) for text in ("One", "Two"))
    wait_for(lambda: product.message(first).status == MessageStatus.DELIVERED, PATIENCE)
    arrive(product, instance_id, "I read one")
    assert product.message(second).status == MessageStatus.QUEUED

    product.act(conduct.set_pace, instance_id, seconds=None, actor=bob)

    wait_for(lambda: product.message(second).status == MessageStatus.DELIVERED, PATIENCE)


def test_what_arrives_is_marked_as_read_once_that_is_switched_on(
    linked: tuple[Product, str], bob: User
) -> None:
    product, instance_id = linked
    unread = arrive(product, instance_id, "Before")
    product.act(conduct.tell_read, instance_id, when=ReadReceipts.ARRIVAL, actor=bob)

    read = arrive(product, instance_id, "After")

    wait_for(lambda: read in read_receipts(product), PATIENCE, "the peer is told")
    assert unread not in read_receipts(product)
    wait_for(lambda: product.chats(instance_id)[0].unread == 0, PATIENCE, "nothing is unread")
