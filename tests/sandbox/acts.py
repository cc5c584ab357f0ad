"""What every test with an engine does, and what it looks at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.sandbox.testing import Sandbox
from tests.sandbox.engine import Engine
from tests.waiting import wait_for

ALICE, ECHO, FRIEND = "15551000002", "15551000010", "15551000012"
ECHO_JID, FRIEND_JID = f"{ECHO}@s.whatsapp.net", f"{FRIEND}@s.whatsapp.net"
# neonize's numbers for the kinds of receipts.
DELIVERED, READ = 1, 4

StartEngine = Callable[..., Engine]


def link(
    sandbox: Sandbox, start_engine: StartEngine, number: str = ALICE, name: str = "engine"
) -> Engine:
    """Return an engine that the phone of `number` has linked and that is ready."""
    engine = start_engine(name)
    sandbox.client.scan(engine.wait_for("qr")["text"], number)
    engine.wait_for("Connected")
    engine.wait_for("OfflineSyncCompleted")
    wait_for(lambda: devices(sandbox, number)[-1]["pending"] == 0, 10, "the key share is taken")
    return engine


def devices(sandbox: Sandbox, number: str = ALICE) -> list[dict[str, Any]]:
    """The linked devices of an account."""
    return list(sandbox.client.account(number)["devices"])


def received(sandbox: Sandbox, number: str) -> list[dict[str, Any]]:
    """The journal's messages that the phone of `number` has received, in order."""
    return [
        entry
        for entry in sandbox.client.log()
        if entry["kind"] == "message"
        and (entry["account"], entry["direction"]) == (number, "received")
    ]


def receipts(engine: Engine, kind: int) -> set[str]:
    """The ids of all messages the engine has seen a receipt of this kind for."""
    return {i for event in engine.events("Receipt") if event["type"] == kind for i in event["ids"]}


def receipts_for(sandbox: Sandbox, number: str, kind: str, device: int) -> set[str]:
    """The ids that the journal says `number` was sent receipts for, by the reader's `device`."""
    return {
        message_id
        for entry in sandbox.client.log()
        if entry["kind"] == "receipt"
        and (entry["account"], entry["type"], entry["device"]) == (number, kind, device)
        for message_id in entry["ids"]
    }
