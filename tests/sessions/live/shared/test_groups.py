"""Groups on the real engine and the sandbox network: known, talked in, made, changed and left."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.core.errors import Conflict
from app.core.groups import ADMIN, MEMBER, OWNER, WishedAct
from app.core.states import MessageStatus
from app.extensions import db
from app.models import Chat, GroupWish, Instance, Message
from app.models.message import INCOMING, SYSTEM
from app.services import amending, forwarding, group_wishes, groups, receipts
from app.transaction import transaction
from tests.core.test_sniffing import picture
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for

THIRD = "15551000010"


def _group(product: Product, instance_id: str) -> Chat | None:
    return next((chat for chat in product.chats(instance_id) if chat.is_group), None)


def _known(product: Product, instance_id: str) -> Chat:
    """The group's chat, once WhatsApp was asked about it."""
    found = lambda: (chat := _group(product, instance_id)) and chat.group_known_at and chat  # noqa: E731
    chat = wait_for(found, PATIENCE, "the group is known")
    assert isinstance(chat, Chat)
    return chat


def _roles(product: Product, chat: Chat) -> dict[str | None, str]:
    with product.app.app_context():
        return {one.phone: one.role for one in groups.members_of(db.session.get_one(Chat, chat.id))}


def _notes(product: Product, instance_id: str) -> list[tuple[str, str]]:
    return [
        (one.kind, one.body) for one in product.messages(instance_id) if one.direction == SYSTEM
    ]


def _wish(product: Product, instance_id: str, verb: Any, *args: Any, **more: Any) -> GroupWish:
    """Wishes something, and waits for what becomes of it."""
    with product.app.app_context(), transaction() as session:
        instance = session.get_one(Instance, instance_id)
        chats = (session.get_one(Chat, one.id) if isinstance(one, Chat) else one for one in args)
        wish_id = verb(instance, *chats, **more).id

    def answered() -> GroupWish | None:
        with product.app.app_context():
            wish = db.session.get_one(GroupWish, wish_id)
            db.session.expunge(wish)
            return wish if wish.answered_at else None

    wish = wait_for(answered, PATIENCE, "the wish is answered")
    assert wish is not None
    return wish


def test_groups_the_phone_is_in_are_known_by_name_and_members(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    client.create_group(PEER_NUMBER, "Курьеры", [OWN_NUMBER, THIRD])
    chat = _known(product, instance_id)
    assert (chat.name, chat.our_role) == ("Курьеры", MEMBER)
    assert _roles(product, chat) == {PEER_NUMBER: OWNER, OWN_NUMBER: MEMBER, THIRD: MEMBER}


def test_groups_from_before_are_found_after_the_connection(product: Product) -> None:
    client = product.sandbox.client
    client.add_account("15550007000", "Early")
    client.create_group(PEER_NUMBER, "Давняя", ["15550007000"])
    instance_id = product.new_instance()
    product.link(instance_id, "15550007000")
    assert _known(product, instance_id).name == "Давняя"


def test_what_is_written_in_a_group_arrives_with_who_wrote_it(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    group = client.create_group(PEER_NUMBER, "Курьеры", [OWN_NUMBER, THIRD])
    texts = [(PEER_NUMBER, "кто на Ленина?"), (THIRD, "я"), (PEER_NUMBER, "жми")]
    for number, text in texts:
        client.send(number, group, text)
    wait_for(lambda: len(_texts(product, instance_id)) == 3, PATIENCE)
    assert _texts(product, instance_id) == texts
    chat = _group(product, instance_id)
    assert chat is not None
    assert (chat.jid, chat.unread, chat.last_text) == (group, 3, "жми")


def _texts(product: Product, instance_id: str) -> list[tuple[str | None, str]]:
    found = [one for one in product.messages(instance_id) if one.direction == INCOMING]
    return [(one.sender_phone, one.body) for one in found]


def test_what_is_queued_for_a_group_reaches_every_member_once_and_in_order(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    group = product.sandbox.client.create_group(PEER_NUMBER, "Курьеры", [OWN_NUMBER, THIRD])
    texts = [f"заказ {number}" for number in range(5)]
    ids = [product.queue(instance_id, text, to=group) for text in texts]

    for number in (PEER_NUMBER, THIRD):
        wait_for(lambda number=number: len(product.received(number)) >= 5, PATIENCE)
        assert [(m["to"], m["text"]) for m in product.received(number)] == [
            (group, text) for text in texts
        ]
    wait_for(lambda: product.message(ids[-1]).status == MessageStatus.DELIVERED, PATIENCE)
    _read(product, PEER_NUMBER)
    wait_for(lambda: _stages(product, ids[0])[PEER_NUMBER] == MessageStatus.READ, PATIENCE)
    assert _stages(product, ids[0])[THIRD] == MessageStatus.DELIVERED
    assert product.message(ids[0]).status == MessageStatus.DELIVERED  # not all have read it
    _read(product, THIRD)
    wait_for(lambda: product.message(ids[0]).status == MessageStatus.READ, PATIENCE)


def _read(product: Product, number: str) -> None:
    product.sandbox.client.read(number, OWN_NUMBER)


def _stages(product: Product, message_id: str) -> dict[str | None, MessageStatus | None]:
    with product.app.app_context():
        message = db.session.get_one(Message, message_id)
        return {one.phone: one.stage for one in receipts.of(message)}


def test_what_happens_in_a_group_is_noted_in_the_conversation(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    group = client.create_group(PEER_NUMBER, "Курьеры", [OWN_NUMBER])
    _known(product, instance_id)
    client.rename_group(PEER_NUMBER, group, "Курьеры, ночь")
    client.change_group(PEER_NUMBER, group, "add", [THIRD])
    client.change_group(PEER_NUMBER, group, "promote", [THIRD])
    client.announce_group(PEER_NUMBER, group, on=True)
    client.leave_group(THIRD, group)
    client.set_picture(group, picture("PNG"))
    wait_for(lambda: len(_notes(product, instance_id)) == 6, PATIENCE, "six notes")
    kinds = [kind for kind, _ in _notes(product, instance_id)]
    assert kinds == [
        "group_renamed",
        "group_added",
        "group_promoted",
        "group_admins_write",
        "group_left",
        "group_picture_changed",
    ]
    assert _notes(product, instance_id)[0][1] == "Курьеры, ночь"
    chat = _group(product, instance_id)
    assert chat is not None
    assert (chat.name, chat.only_admins_write, chat.may_write) == ("Курьеры, ночь", True, False)
    assert chat.unread == 0
    assert _roles(product, chat) == {PEER_NUMBER: OWNER, OWN_NUMBER: MEMBER}


def test_being_removed_ends_writing_and_keeps_what_was_said(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    group = client.create_group(PEER_NUMBER, "Курьеры", [OWN_NUMBER])
    client.send(PEER_NUMBER, group, "пока")
    wait_for(lambda: _texts(product, instance_id), PATIENCE)
    _known(product, instance_id)
    client.change_group(PEER_NUMBER, group, "remove", [OWN_NUMBER])
    wait_for(lambda: _notes(product, instance_id), PATIENCE, "it is noted")
    chat = _group(product, instance_id)
    assert chat is not None
    assert (chat.our_role, chat.may_write) == (None, False)
    assert _texts(product, instance_id) == [(PEER_NUMBER, "пока")]
    with pytest.raises(Conflict) as refused:
        product.queue(instance_id, "стойте", to=group)
    assert refused.value.code == "not_in_group"


def test_a_group_is_made_changed_and_left_by_wishes(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    wish = _wish(product, instance_id, group_wishes.create, "Склад", [PEER_NUMBER], country="RU")
    assert wish.failure is None
    chat = _known(product, instance_id)
    assert (chat.group_id, chat.name, chat.our_role) == (wish.result["group"], "Склад", OWNER)
    _wish(product, instance_id, group_wishes.add, chat, [f"+{THIRD}"], country="RU")
    _wish(product, instance_id, group_wishes.change_member, chat, WishedAct.PROMOTE, THIRD)
    _wish(product, instance_id, group_wishes.rename, chat, "Склад №1")
    assert _roles(product, chat) == {OWN_NUMBER: OWNER, PEER_NUMBER: MEMBER, THIRD: ADMIN}
    now = _group(product, instance_id)
    assert now is not None
    assert now.name == "Склад №1"
    link = _wish(product, instance_id, group_wishes.simple, chat, WishedAct.LINK).result["link"]
    invite = product.sandbox.client.groups()[-1]["invite"]
    assert link == f"https://chat.whatsapp.com/{invite}"
    _wish(product, instance_id, group_wishes.change_member, chat, WishedAct.REMOVE, PEER_NUMBER)
    _wish(product, instance_id, group_wishes.simple, chat, WishedAct.LEAVE)
    (group,) = [one for one in product.sandbox.client.groups() if one["jid"] == chat.jid]
    assert list(group["members"]) == [THIRD]
    left = _group(product, instance_id)
    assert left is not None
    assert left.our_role is None


def test_a_restart_of_the_host_loses_no_group_and_notes_nothing_twice(
    linked: tuple[Product, str],
) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    group = client.create_group(PEER_NUMBER, "Курьеры", [OWN_NUMBER])
    _known(product, instance_id)
    client.rename_group(PEER_NUMBER, group, "Раз")
    wait_for(lambda: len(_notes(product, instance_id)) == 1, PATIENCE)
    product.kill("sessions")
    client.rename_group(PEER_NUMBER, group, "Два")
    client.send(PEER_NUMBER, group, "пока вас не было")
    product.start("sessions")
    wait_for(lambda: _texts(product, instance_id), PATIENCE, "what came meanwhile arrives")
    wait_for(lambda: len(_notes(product, instance_id)) == 2, PATIENCE)
    with product.app.app_context():
        query = select(Message).where(Message.instance_id == instance_id)
        assert len(list(db.session.scalars(query))) == 3
    chat = _group(product, instance_id)
    assert chat is not None
    assert chat.name == "Два"


def test_people_are_named_both_ways(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    group = client.create_group(PEER_NUMBER, "Курьеры", [OWN_NUMBER, THIRD])
    _known(product, instance_id)
    lids = {number: client.account(number)["lid"] for number in (OWN_NUMBER, THIRD)}
    product.queue(instance_id, f"@{THIRD} на выезд", to=group)
    wait_for(lambda: product.received(THIRD), PATIENCE)
    (sent,) = product.received(THIRD)
    assert sent["mentions"] == [lids[THIRD]]
    assert sent["text"] == f"@{lids[THIRD].partition('@')[0]} на выезд"
    named = lids[OWN_NUMBER].partition("@")[0]
    client.send(PEER_NUMBER, group, f"@{named} и вы", mentions=[OWN_NUMBER])
    wait_for(lambda: _texts(product, instance_id), PATIENCE)
    (heard,) = [m for m in product.messages(instance_id) if m.direction == INCOMING]
    assert heard.mentions == [[None, named]]
    third = lids[THIRD].partition("@")[0]
    client.edit(PEER_NUMBER, group, str(heard.wa_id), f"@{third} и вы", mentions=[THIRD])
    (ours,) = [m for m in product.messages(instance_id) if m.direction != INCOMING]
    with product.app.app_context(), transaction() as session:
        amending.edit(session.get_one(Message, ours.id), f"@{PEER_NUMBER} на выезд", source="ui")

    def edited() -> bool:
        found = {m.id: m.mentions for m in product.messages(instance_id)}
        peer = client.account(PEER_NUMBER)["lid"].partition("@")[0]
        return found[heard.id] == [[None, third]] and found[ours.id] == [[PEER_NUMBER, peer]]

    wait_for(edited, PATIENCE, "edits name others")
    wait_for(
        lambda: client.account(PEER_NUMBER)["lid"] in str(product.received(THIRD)[-1]), PATIENCE
    )


def test_messages_are_passed_on_both_ways(linked: tuple[Product, str]) -> None:
    product, instance_id = linked
    client = product.sandbox.client
    group = client.create_group(PEER_NUMBER, "Курьеры", [OWN_NUMBER, THIRD])
    _known(product, instance_id)
    client.send(PEER_NUMBER, OWN_NUMBER, "адрес: Ленина, 1", forwarded=1)
    wait_for(lambda: _texts(product, instance_id), PATIENCE)
    (heard,) = [m for m in product.messages(instance_id) if m.direction == INCOMING]
    assert heard.forwarded == 1
    with product.app.app_context(), transaction() as session:
        chat = session.scalars(select(Chat).where(Chat.group_id.is_not(None))).one()
        message = session.get_one(Message, heard.id)
        forwarding.forward(message, [chat], source="ui", key="k")
        forwarding.forward(message, [chat], source="ui", key="k")
    wait_for(lambda: product.received(THIRD), PATIENCE)
    (sent,) = product.received(THIRD)
    assert (sent["text"], sent["to"], sent["forwarded"]) == ("адрес: Ленина, 1", group, 2)
