"""People on the real engine and the sandbox network: their pictures, and who is
blocked."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from app.core.errors import Conflict
from app.extensions import db
from app.models import Chat, GroupWish, Instance, ProfilePicture
from app.models.message import INCOMING
from app.services import blocking, profile_pictures
from app.storage import storage_of
from app.transaction import transaction
from tests import factories
from tests.core.test_sniffing import picture
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for

THIRD = "15551000010"
JPEG, PNG = picture("JPEG"), picture("PNG")


def _chat(product: Product, instance_id: str, jid: str) -> Chat:
    def found() -> Chat | None:
        return next((one for one in product.chats(instance_id) if one.jid == jid), None)

    chat = wait_for(found, PATIENCE, f"the chat with {jid}")
    assert chat is not None
    return chat


def _want(product: Product, *chats: Chat) -> None:
    with product.app.app_context(), transaction():
        profile_pictures.want(chats[0].instance_id, [chat.id for chat in chats])


def _picture(product: Product, chat: Chat) -> ProfilePicture:
    with product.app.app_context():
        row = db.session.get_one(ProfilePicture, chat.id)
        db.session.expunge(row)
        return row


def _asked(product: Product) -> list[float]:
    entries = product.sandbox.client.log(product.log_start)
    kind = [one for one in entries if one["kind"] == "picture_asked"]
    return [datetime.fromisoformat(one["time"]).timestamp() for one in kind]


def test_wanted_pictures_come_slowly_and_who_has_none_is_not_asked_about_again(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    product.start("webhooks")
    client = product.sandbox.client
    group = client.create_group(PEER_NUMBER, "Курьеры", [OWN_NUMBER, THIRD])
    client.set_picture(PEER_NUMBER, JPEG)
    client.set_picture(group, PNG)
    for number in (PEER_NUMBER, THIRD):
        client.send(number, OWN_NUMBER, "привет")
    jids = [f"{PEER_NUMBER}@s.whatsapp.net", f"{THIRD}@s.whatsapp.net", group]
    chats = [_chat(product, instance_id, jid) for jid in jids]
    time.sleep(0.3)
    assert _asked(product) == []  # nobody looked
    _want(product, *chats)
    peer, third, together = chats
    wait_for(lambda: _picture(product, peer).storage_key, PATIENCE, "the picture of the peer")
    wait_for(lambda: _picture(product, together).storage_key, PATIENCE, "that of the group")
    wait_for(lambda: _picture(product, third).fetched_at, PATIENCE, "there is none of the third")
    storage = storage_of(product.settings)
    assert storage.read(str(_picture(product, peer).storage_key)) == JPEG
    assert storage.read(str(_picture(product, together).storage_key)) == PNG
    assert _picture(product, third).absent
    asked = _asked(product)
    assert len(asked) == 2  # the network notes those it could show
    assert asked[1] - asked[0] >= 0.9


def test_a_picture_that_was_changed_or_taken_away_is_so_here(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    product.start("webhooks")
    client = product.sandbox.client
    client.send(PEER_NUMBER, OWN_NUMBER, "привет")
    chat = _chat(product, instance_id, f"{PEER_NUMBER}@s.whatsapp.net")
    client.set_picture(PEER_NUMBER, JPEG)
    _want(product, chat)
    wait_for(lambda: _picture(product, chat).storage_key, PATIENCE)
    client.set_picture(PEER_NUMBER, PNG)
    wait_for(lambda: _picture(product, chat).fetched_at is None, PATIENCE, "known to be old")
    _want(product, chat)
    wait_for(lambda: _picture(product, chat).mime == "image/png", PATIENCE)
    client.set_picture(PEER_NUMBER, b"")
    wait_for(lambda: _picture(product, chat).absent, PATIENCE)
    assert _picture(product, chat).storage_key is None


def _wish(product: Product, chat: Chat, *, blocked: bool) -> GroupWish:
    """Wishes it, and waits for what becomes of it."""
    with product.app.app_context(), transaction() as session:
        found = session.get_one(Chat, chat.id)
        instance = session.get_one(Instance, found.instance_id)
        wish_id = blocking.wish(instance, found, blocked=blocked).id

    def answered() -> GroupWish | None:
        with product.app.app_context():
            wish = db.session.get_one(GroupWish, wish_id)
            db.session.expunge(wish)
            return wish if wish.answered_at else None

    wish = wait_for(answered, PATIENCE, "the wish is answered")
    assert wish is not None
    return wish


def _texts(product: Product, instance_id: str) -> list[str]:
    return [one.body for one in product.messages(instance_id) if one.direction == INCOMING]


def test_who_is_blocked_is_not_heard_nor_written_to_until_unblocked(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    product.queue(instance_id, "hello")
    chat = _chat(product, instance_id, f"{PEER_NUMBER}@s.whatsapp.net")
    wait_for(lambda: product.received(), PATIENCE)
    assert _wish(product, chat, blocked=True).failure is None
    assert client.account(OWN_NUMBER)["blocked"] == [PEER_NUMBER]
    with pytest.raises(Conflict) as refused:
        product.queue(instance_id, "still there?")
    assert refused.value.code == "chat_blocked"
    client.send(PEER_NUMBER, OWN_NUMBER, "why?")
    assert _wish(product, chat, blocked=False).failure is None
    assert client.account(OWN_NUMBER)["blocked"] == []
    client.send(PEER_NUMBER, OWN_NUMBER, "finally")
    wait_for(lambda: _texts(product, instance_id), PATIENCE)
    assert _texts(product, instance_id) == ["finally"]
    product.queue(instance_id, "sorry")
    wait_for(lambda: len(product.received()) == 2, PATIENCE)


def test_whom_the_phone_blocks_is_known_at_once_or_after_the_next_connection(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    client.send(PEER_NUMBER, OWN_NUMBER, "привет")
    jid = f"{PEER_NUMBER}@s.whatsapp.net"
    _chat(product, instance_id, jid)
    for on in (True, False):
        client.block(OWN_NUMBER, PEER_NUMBER, on=on)
        wait_for(
            lambda on=on: (_chat(product, instance_id, jid).blocked_at is not None) is on,
            PATIENCE,
            f"blocked: {on}",
        )
    product.kill("sessions")
    client.block(OWN_NUMBER, PEER_NUMBER)
    product.start("sessions")
    wait_for(lambda: _chat(product, instance_id, jid).blocked_at, PATIENCE, "blocked meanwhile")


def test_a_number_without_whatsapp_cannot_be_blocked(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    with product.app.app_context():
        account = db.session.get_one(Instance, instance_id).account
        assert account is not None
        chat = factories.chat(account, lid=None, phone="15559998888")
    assert _wish(product, chat, blocked=True).failure == "not_on_whatsapp"
    assert _chat(product, instance_id, chat.jid).blocked_at is None
