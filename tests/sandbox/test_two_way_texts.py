"""The first proof: an unmodified engine links, and texts arrive whole in both directions."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.sandbox.testing import Sandbox
from tests.sandbox.acts import (
    ALICE,
    DELIVERED,
    FRIEND,
    FRIEND_JID,
    READ,
    link,
    receipts,
    receipts_for,
    received,
)
from tests.sandbox.engine import Engine
from tests.waiting import wait_for

COUNT = 20
APART = 0.06  # seconds; opposite messages at one instant can be lost inside the engine


def test_twenty_texts_each_way_arrive_with_their_receipts(
    sandbox: Sandbox, start_engine: Callable[..., Engine]
) -> None:
    engine = link(sandbox, start_engine)
    client = sandbox.client
    sent: list[tuple[str, str]] = []
    answered: list[tuple[str, str]] = []
    for n in range(COUNT):
        text = f"туда {n} 👋 " + "x" * n * 50
        sent.append((engine.do("send", to=FRIEND_JID, text=text)["id"], text))
        time.sleep(APART)
        text = f"обратно {n}\nвторая строка"
        answered.append((client.send(FRIEND, ALICE, text), text))
        time.sleep(APART)

    wait_for(lambda: len(engine.texts()) >= COUNT, 20, "all answers reach the engine")
    assert [(m["id"], m["text"]) for m in engine.messages()] == answered
    assert [(m["id"], m["text"]) for m in received(sandbox, FRIEND)] == sent

    sent_ids = {message_id for message_id, _ in sent}
    wait_for(lambda: receipts(engine, DELIVERED) >= sent_ids, 20, "delivery of every text")
    assert set(client.read(FRIEND, ALICE)) == sent_ids
    wait_for(lambda: receipts(engine, READ) >= sent_ids, 20, "every text shown as read")

    answer_ids = {message_id for message_id, _ in answered}
    chat = engine.messages()[0]["chat"]
    engine.do("mark_read", ids=sorted(answer_ids), chat=chat, sender=chat)
    wait_for(
        lambda: receipts_for(sandbox, FRIEND, "read", device=1) >= answer_ids,
        20,
        "the engine's read receipts",
    )
    assert not engine.events("Undecryptable")
    assert client.state()["unhandled"] == []
