"""A process killed in mid-send: the message's id is known all the same, or it never left."""

from __future__ import annotations

import secrets

from app.engine import keystore
from app.sandbox.testing import Sandbox
from tests.engine.conftest import PEER, Link, messages_at
from tests.engine.driver import EngineProcess
from tests.waiting import wait_for


def test_id_is_found_by_the_secret_when_the_process_is_killed_before_the_acknowledgement(
    session: tuple[EngineProcess, Link], sandbox: Sandbox
):
    process, linked = session
    secret = secrets.token_bytes(32)
    sandbox.client.set_faults(ack_messages=False)
    process.start_doing("send", jid=linked.jid, to=PEER, text="did it go?", secret=secret.hex())
    delivered = wait_for(lambda: messages_at(sandbox), what="the peer has the message")
    process.kill()
    assert keystore.find_sent_id(str(linked.store), linked.jid, secret) == delivered[0]["id"]
