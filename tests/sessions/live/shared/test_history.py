"""The past of a phone fills the chats of an instance that was just linked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.models import Message
from app.sandbox.past import FIRST
from tests.sessions.live.conftest import PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for

PHONE, OTHER_PHONE = "15550001777", "15550001778"
STRANGER = "15550009000"
START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def texts(name: str, count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"text": f"{name} {number}", "at": (START + timedelta(minutes=number)).isoformat(), **more}
        for number in range(count)
    ]


def add_phone(product: Product, number: str) -> None:
    """A phone of this test's own: others are not to be told of its past."""
    client = product.sandbox.client
    if number not in {one["number"] for one in client.state()["accounts"]}:
        client.add_account(number, "Owner")


def stored(product: Product) -> int:
    with product.app.app_context():
        return db.session.scalar(select(func.count()).select_from(Message)) or 0


def test_past_of_the_phone_is_here_after_linking(product: Product) -> None:
    client = product.sandbox.client
    add_phone(product, PHONE)
    with_peer, with_stranger = texts("Peer", FIRST + 2), texts("Ours", 1, from_me=True)
    client.remember(
        PHONE,
        [
            {"with": PEER_NUMBER, "name": "Peer", "unread": 2, "messages": with_peer},
            {"with": STRANGER, "name": "Незнакомец", "messages": with_stranger},
        ],
    )
    instance_id = product.new_instance()

    product.link(instance_id, PHONE)

    whole = len(with_peer) + len(with_stranger)
    wait_for(lambda: len(product.messages(instance_id)) == whole, PATIENCE, "all of it is here")
    peer, stranger = sorted(product.chats(instance_id), key=lambda chat: str(chat.name))
    assert [(chat.phone, chat.name, chat.unread) for chat in (peer, stranger)] == [
        (PEER_NUMBER, "Peer", 2),
        (STRANGER, "Незнакомец", 0),
    ]
    found = product.messages(instance_id)
    (ours,) = [one for one in found if one.chat_id == stranger.id]
    assert (ours.status, ours.shown_at) == (MessageStatus.READ, START)
    said = sorted((one for one in found if one.chat_id == peer.id), key=lambda one: one.shown_at)
    assert [one.body for one in said] == [one["text"] for one in with_peer]


def test_host_killed_in_the_middle_of_the_past_brings_all_of_it_once(product: Product) -> None:
    client = product.sandbox.client
    chats = [{"with": f"1555100{number:04}", "messages": texts("Old", 50)} for number in range(40)]
    add_phone(product, OTHER_PHONE)
    client.remember(OTHER_PHONE, chats)
    instance_id = product.new_instance()
    client.scan(product.code(instance_id), OTHER_PHONE)
    wait_for(lambda: stored(product), PATIENCE, "some of it is here")

    product.kill("sessions")
    before = stored(product)
    product.start("sessions")

    wait_for(lambda: stored(product) >= 40 * 50, PATIENCE, "all of it is here")
    product.wait_state(instance_id, InstanceState.CONNECTED)
    assert before < stored(product) == 40 * 50
