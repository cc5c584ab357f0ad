"""How chats are kept, on the real engine: here and on the phone the same, also after kill -9."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.chat_settings import ALWAYS
from app.models import Chat, Instance
from app.services import chat_manners, chats
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.sessions.live.shared.test_conduct import arrive
from tests.waiting import wait_for

PEER = f"{PEER_NUMBER}@s.whatsapp.net"
HEARD = 2 * PATIENCE
"""Seconds until a change of the phone was certainly looked for."""


@pytest.fixture
def talking(linked: tuple[Product, str]) -> tuple[Product, str]:
    """The product with an instance that has one chat."""
    product, instance_id = linked
    arrive(product, instance_id, "Hello")
    return product, instance_id


def chat_of(product: Product, instance_id: str) -> Chat:
    (chat,) = product.chats(instance_id)
    return chat


def keep(product: Product, instance_id: str, *acts: Any) -> None:
    """The owner keeps the chat so."""

    def do(instance: Instance) -> None:
        chat = chats.addressed(instance, PEER_NUMBER, country="RU")
        for act, *more in acts:
            act(chat, *more)

    product.act(do, instance_id)


def there(product: Product) -> dict[str, Any]:
    """How the phone keeps the chat."""
    return dict(product.sandbox.client.kept(OWN_NUMBER).get(PEER, {}))


def test_phone_and_page_keep_a_chat_alike_whoever_changes_it(
    talking: tuple[Product, str],
) -> None:
    product, instance_id = talking
    keep(product, instance_id, (chat_manners.mute, ALWAYS), (chat_manners.pin,))
    wait_for(lambda: there(product).get("pinned"), PATIENCE, "the phone pins it")
    assert there(product)["muted_until"] == -1

    product.sandbox.client.keep(OWN_NUMBER, PEER_NUMBER, archived=True, muted_until=0)
    wait_for(lambda: chat_of(product, instance_id).archived_at, HEARD, "the phone was heard")
    wait_for(lambda: not chat_of(product, instance_id).is_muted, HEARD, "of muting, too")
    assert chat_of(product, instance_id).pinned_at is None

    product.kill("sessions")
    keep(product, instance_id, (chat_manners.unarchive,), (chat_manners.mark_unread,))
    product.sandbox.client.keep(OWN_NUMBER, PEER_NUMBER, archived=True, pinned=True)
    product.start("sessions")

    wait_for(lambda: there(product).get("unread"), HEARD, "the wishes are told")
    assert there(product)["archived"] is False
    wait_for(lambda: chat_of(product, instance_id).pinned_at, HEARD, "the phone was heard")
    assert chat_of(product, instance_id).archived_at is None
    assert product.sandbox.client.state()["unhandled"] == []
