"""Read receipts on the real engine: the friend's phone gets them once a chat was opened here."""

from __future__ import annotations

import pytest

from app.core.reading import ReadReceipts
from app.models import User
from app.services import accounts, conduct
from app.transaction import transaction
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.sessions.live.shared.test_conduct import arrive, read_receipts
from tests.ui.browser import Browser
from tests.waiting import wait_for


@pytest.fixture
def opening(linked: tuple[Product, str], bob: User) -> tuple[Product, str]:
    """The product with an instance that tells what was read when its chat is opened."""
    product, instance_id = linked
    product.act(conduct.tell_read, instance_id, when=ReadReceipts.OPENING, actor=bob)
    return product, instance_id


def open_chat(product: Product, instance_id: str, *, group: bool) -> None:
    """The owner opens the chat in a browser."""
    (chat,) = (one for one in product.chats(instance_id) if one.is_group == group)
    browser = Browser(product.app.test_client())
    browser.sign_in(product.owner)
    assert browser.get(f"/ui/instances/{instance_id}/chat/{chat.id}").status_code == 200


def test_the_friend_sees_ticks_only_once_the_chat_was_opened(opening: tuple[Product, str]) -> None:
    product, instance_id = opening
    first, second = (arrive(product, instance_id, text) for text in ("One", "Two"))
    wait_for(lambda: product.chats(instance_id)[0].unread == 2, PATIENCE)
    assert not {first, second} & set(read_receipts(product))

    open_chat(product, instance_id, group=False)

    wait_for(lambda: {first, second} <= set(read_receipts(product)), PATIENCE, "the peer is told")


def test_in_a_group_who_wrote_is_told(opening: tuple[Product, str]) -> None:
    product, instance_id = opening
    client = product.sandbox.client
    group = client.create_group(PEER_NUMBER, "Couriers", [OWN_NUMBER])
    client.send(PEER_NUMBER, group, "To all of you")
    mine = lambda: [one for one in product.messages(instance_id) if one.direction == "in"]  # noqa: E731
    wait_for(mine, PATIENCE, "it is here")
    assert mine()[0].wa_id not in read_receipts(product)

    open_chat(product, instance_id, group=True)

    wait_for(lambda: mine()[0].wa_id in read_receipts(product), PATIENCE, "the peer is told")


def test_a_program_has_a_chat_read_whatever_the_setting(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    wa_id = arrive(product, instance_id, "For a program")
    with product.app.app_context(), transaction():
        key = accounts.create_key(product.owner).key_encrypted
    path = f"/api/instances/{instance_id}/chats/{PEER_NUMBER}/read"

    answer = product.app.test_client().post(path, headers={"X-API-Key": key})

    assert answer.get_json() == {"chatId": f"{PEER_NUMBER}@s.whatsapp.net", "receipts": 1}
    wait_for(lambda: wa_id in read_receipts(product), PATIENCE, "the peer is told")


def test_what_was_opened_while_the_host_was_dead_is_told_by_the_next(
    opening: tuple[Product, str],
) -> None:
    product, instance_id = opening
    wa_id = arrive(product, instance_id, "Before it died")
    product.kill("sessions")

    open_chat(product, instance_id, group=False)
    assert wa_id not in read_receipts(product)
    product.start("sessions")

    wait_for(lambda: wa_id in read_receipts(product), PATIENCE, "the peer is told")
