"""The real engine about single people: their pictures."""

from __future__ import annotations

from app.engine.events import Connected
from app.sandbox.testing import Sandbox
from tests.core.test_sniffing import picture
from tests.engine.conftest import OWN_NUMBER, PEER, PEER_NUMBER
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
