"""What is known of a message when its process was killed, and when keys could not be written."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.engine import keystore
from app.engine.events import Connected
from app.sandbox.testing import Sandbox
from tests.engine.conftest import PEER, Link, messages_at
from tests.engine.driver import EngineProcess, Refused
from tests.waiting import wait_for

Session = tuple[EngineProcess, Link]


@contextmanager
def writes_blocked(store: Path) -> Iterator[None]:
    """Lets the engine read its keys but not write them."""
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_id_is_found_by_the_secret_when_the_process_is_killed_before_the_acknowledgement(
    session: Session, sandbox: Sandbox
):
    process, linked = session
    secret = secrets.token_bytes(32)
    sandbox.client.set_faults(ack_messages=False)
    process.start_doing("send", jid=linked.jid, to=PEER, text="did it go?", secret=secret.hex())
    delivered = wait_for(lambda: messages_at(sandbox), what="the peer has the message")
    process.kill()
    assert keystore.find_sent_id(str(linked.store), linked.jid, secret) == delivered[0]["id"]


def test_message_whose_secret_is_not_found_never_left(
    link: Callable[..., Link], start_process: Callable[[], EngineProcess], sandbox: Sandbox
):
    linked = link()
    texts: dict[str, bytes] = {}
    for round_ in range(3):
        process = start_process()
        process.do("open", **linked.opening)
        process.do("start", jid=linked.jid)
        process.wait_event(Connected)
        for n in range(60):
            text, secret = f"{round_}-{n}", secrets.token_bytes(32)
            texts[text] = secret
            process.start_doing("send", jid=linked.jid, to=PEER, text=text, secret=secret.hex())
        wait_for(lambda: len(messages_at(sandbox)) > len(texts) - 60 + 5, what="some have left")
        process.kill()
    found = {
        text: keystore.find_sent_id(str(linked.store), linked.jid, secret)
        for text, secret in texts.items()
    }
    time.sleep(0.3)  # what was on its way when the last process died
    arrived = {message["text"]: message["id"] for message in messages_at(sandbox)}
    assert None in found.values(), "no process was killed in time: nothing was tested"
    assert arrived == {text: id_ for text, id_ in found.items() if text in arrived}


def test_sending_pauses_after_the_engine_could_not_write_a_secret(
    session: Session, sandbox: Sandbox
):
    process, linked = session
    process.wait_event(Connected)
    process.do("send", jid=linked.jid, to=PEER, text="one", secret=secrets.token_hex(32))
    secret = secrets.token_bytes(32)
    with writes_blocked(linked.store):
        number = process.start_doing(
            "send", jid=linked.jid, to=PEER, text="two", secret=secret.hex()
        )
        time.sleep(6.5)  # the engine gives up on the secret after 5 s and goes on to the session
    process.answer(number)
    # It was sent although nobody could find its id after a crash: that is what the pause is for.
    with pytest.raises(Refused, match="may not have been written down"):
        process.do("find", jid=linked.jid, secret=secret.hex())
    assert [message["text"] for message in messages_at(sandbox)] == ["one", "two"]
    with pytest.raises(Refused) as refused:
        process.do("send", jid=linked.jid, to=PEER, text="three", secret=secrets.token_hex(32))
    assert (refused.value.slug, refused.value.may_have_left) == ("key_store_unwritable", False)
