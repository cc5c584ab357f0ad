"""The real engine about single people: their pictures, and who is blocked."""

from __future__ import annotations

import pytest

from app.engine.events import BlocklistChanged, Connected, MessageReceived, PictureChanged
from app.sandbox.testing import Sandbox
from tests.core.test_sniffing import picture
from tests.engine.conftest import OWN_NUMBER, PEER, PEER_NUMBER
from tests.engine.driver import Refused
from tests.engine.test_session import Session


def test_pictures_of_people_and_groups_are_told_by_id_and_address(
    session: Session, sandbox: Sandbox
):
    process, linked = session
    process.wait_event(Connected)
    client = sandbox.client
    group = client.create_group(PEER_NUMBER, "Склад", [OWN_NUMBER])
    lid = client.account(PEER_NUMBER)["lid"]
    for whose in (PEER_NUMBER, group):
        client.set_picture(whose, picture("JPEG"))
    found = {
        jid: process.do("people", jid=linked.jid, method="picture", about=jid)
        for jid in (PEER, lid, group)
    }
    assert found[PEER]["url"].startswith("https://pps.whatsapp.net/v/")
    assert found[lid]["id"] == found[PEER]["id"] != found[group]["id"]
    client.set_picture(PEER_NUMBER, picture("PNG"))
    again = process.do("people", jid=linked.jid, method="picture", about=PEER)
    assert again["id"] != found[PEER]["id"]


def test_who_has_no_picture_is_no_trouble(session: Session, sandbox: Sandbox):
    process, linked = session
    process.wait_event(Connected)
    assert process.do("people", jid=linked.jid, method="picture", about=PEER) is None


@pytest.mark.parametrize("by_lid", [False, True])
def test_who_is_blocked_is_not_heard_until_unblocked(
    session: Session, sandbox: Sandbox, by_lid: bool
):
    process, linked = session
    process.wait_event(Connected)
    client = sandbox.client
    lid = client.account(PEER_NUMBER)["lid"]
    person = lid if by_lid else PEER
    process.do("people", jid=linked.jid, method="block", about=person)
    assert process.do("people", jid=linked.jid, method="blocked") == [lid]
    client.send(PEER_NUMBER, OWN_NUMBER, "hello?")
    process.do("people", jid=linked.jid, method="unblock", about=person)
    assert process.do("people", jid=linked.jid, method="blocked") == []
    client.send(PEER_NUMBER, OWN_NUMBER, "hello again")
    process.wait_event(MessageReceived)
    assert [one.content.text for one in process.events(MessageReceived)] == ["hello again"]
    assert client.state()["unhandled"] == []


def test_changes_of_pictures_are_told(session: Session, sandbox: Sandbox):
    process, _ = session
    process.wait_event(Connected)
    client = sandbox.client
    peer = client.account(PEER_NUMBER)
    group = client.create_group(PEER_NUMBER, "Склад", [OWN_NUMBER])
    for whose in (PEER_NUMBER, group, OWN_NUMBER):
        client.set_picture(whose, picture("JPEG"))
    client.set_picture(group, b"")
    process.wait_event(PictureChanged, 4)
    told = {(one.whose.jid, one.by.lid, one.removed) for one in process.events(PictureChanged)}
    assert told == {
        (PEER, None, False),
        (group, peer["lid"], False),
        (group, peer["lid"], True),
        (f"{OWN_NUMBER}@s.whatsapp.net", None, False),
    }


def test_a_block_on_another_device_is_told_and_one_of_ours_is_not(
    session: Session, sandbox: Sandbox
):
    process, linked = session
    process.wait_event(Connected)
    process.do("people", jid=linked.jid, method="block", about=PEER)
    sandbox.client.block(OWN_NUMBER, PEER_NUMBER, on=False)
    process.wait_event(BlocklistChanged)
    assert process.do("people", jid=linked.jid, method="blocked") == []
    assert len(process.events(BlocklistChanged)) == 1


def test_nobody_can_be_blocked_at_a_number_without_whatsapp(session: Session):
    process, linked = session
    process.wait_event(Connected)
    with pytest.raises(Refused) as refused:
        nobody = "15559998888@s.whatsapp.net"
        process.do("people", jid=linked.jid, method="block", about=nobody)
    assert refused.value.slug == "not_on_whatsapp"
