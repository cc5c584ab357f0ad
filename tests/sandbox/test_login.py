"""Who is let in: the device that was linked, with the key it was linked with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from app.sandbox import login
from app.sandbox.connection import Connection
from app.sandbox.network import Network
from app.sandbox.protos import ClientPayload
from app.sandbox.storage import Storage
from app.sandbox.wire.node import Node
from app.sandbox.world import Companion

NUMBER, KEY = "15551000031", b"k" * 32


class Line:
    """The server's end of a connection, as far as a login touches it."""

    def __init__(self) -> None:
        self.endpoint: Any = None
        self.sent: list[Node] = []

    def send(self, node: Node) -> None:
        self.sent.append(node)

    def close_later(self, seconds: float) -> None:
        self.closes = True


@pytest.fixture
def network(tmp_path: Path) -> Network:
    made = Network(Storage(tmp_path / "world.sqlite", lambda: None))
    account = made.add_account(NUMBER, "Анна", "silent")
    made.add_companion(account, Companion(1, b"i" * 32, KEY, 1, "web", "2026-11-23T12:00:00Z"))
    made.faults.change(None, {"refusal_delay_ms": 0})
    return made


def _log_in(network: Network, device: int, noise: bytes) -> Node:
    line = Line()

    async def play() -> None:
        payload = ClientPayload(username=int(NUMBER), device=device)
        login.admit(network, cast(Connection, line), payload, noise)
        await asyncio.sleep(0.01)

    asyncio.run(play())
    return line.sent[0]


def test_a_linked_device_is_let_in(network: Network) -> None:
    success = _log_in(network, 1, KEY)
    assert (success.tag, success.jid("lid").device) == ("success", 1)


@pytest.mark.parametrize(("device", "noise"), [(1, b"x" * 32), (2, KEY), (0, KEY)])
def test_others_are_not(network: Network, device: int, noise: bytes) -> None:
    failure = _log_in(network, device, noise)
    assert (failure.tag, failure.get("reason")) == ("failure", "401")
    assert network.connections == {}


def test_a_ban_says_how_long(network: Network) -> None:
    network.faults.change(NUMBER, {"login_failure": 402, "refusal_delay_ms": 0})
    failure = _log_in(network, 1, KEY)
    assert (failure.get("reason"), failure.get("expire")) == ("402", "3600")
