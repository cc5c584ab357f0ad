"""The first proof: an unmodified engine links, and texts arrive whole in both directions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from app.sandbox.testing import Sandbox
from tests.sandbox.engine import Engine
from tests.waiting import wait_for

ALICE, FRIEND = "15551000002", "15551000012"
FRIEND_JID = f"{FRIEND}@s.whatsapp.net"
COUNT = 20
DELIVERED, READ = 1, 4
APART = 0.06  # seconds; opposite messages at one instant can be lost inside the engine


def _linked(sandbox: Sandbox, start_engine: Callable[..., Engine]) -> Engine:
    engine = start_engine()
    sandbox.client.scan(engine.wait_for("qr")["text"])
    engine.wait_for("Connected")
    engine.wait_for("OfflineSyncCompleted")
    return engine


def _received(sandbox: Sandbox, number: str) -> list[dict[str, Any]]:
    entries = sandbox.client.log()
    return [
        entry
        for entry in entries
        if entry["kind"] == "message"
        and entry["account"] == number
        and entry["direction"] == "received"
    ]


def _receipts(engine: Engine, kind: int) -> set[str]:
    return {i for event in engine.events("Receipt") if event["type"] == kind for i in event["ids"]}


def _receipts_for(sandbox: Sandbox, number: str, kind: str, device: int) -> set[str]:
    return {
        message_id
        for entry in sandbox.client.log()
        if entry["kind"] == "receipt"
        and (entry["account"], entry["type"], entry["device"]) == (number, kind, device)
        for message_id in entry["ids"]
    }


def test_twenty_texts_each_way_arrive_with_their_receipts(
    sandbox: Sandbox, start_engine: Callable[..., Engine]
) -> None:
    engine = _linked(sandbox, start_engine)
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
    assert [(m["id"], m["text"]) for m in engine.events("Message")] == answered
    assert [(m["id"], m["text"]) for m in _received(sandbox, FRIEND)] == sent

    sent_ids = {message_id for message_id, _ in sent}
    wait_for(lambda: _receipts(engine, DELIVERED) >= sent_ids, 20, "delivery of every text")
    assert set(client.read(FRIEND, ALICE)) == sent_ids
    wait_for(lambda: _receipts(engine, READ) >= sent_ids, 20, "every text shown as read")

    answer_ids = [message_id for message_id, _ in answered]
    chat = engine.events("Message")[0]["chat"]
    engine.do("mark_read", ids=answer_ids, chat=chat, sender=chat)
    wait_for(
        lambda: _receipts_for(sandbox, FRIEND, "read", device=1) >= set(answer_ids),
        20,
        "the engine's read receipts",
    )
    assert not engine.events("Undecryptable")
    assert client.state()["unhandled"] == []
