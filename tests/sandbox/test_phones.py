"""Phones among themselves, without an engine: what they cannot read they ask for again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.sandbox import blows
from app.sandbox.media import attachments
from app.sandbox.media.attachments import Attachment, Place
from app.sandbox.media.crypto import Seal
from app.sandbox.network import Network
from app.sandbox.storage import Storage

ANNA, BORIS = "15551000031", "15551000032"


def _network(folder: Path) -> Network:
    network = Network(Storage(folder / "world.sqlite", lambda: None))
    network.add_account(ANNA, "Анна", "silent")
    network.add_account(BORIS, "Борис", "silent")
    return network


def _play(network: Network, *acts: Callable[[], Any]) -> None:
    """Do one act after the other, each time until nothing moves any more."""

    async def play() -> None:
        for act in acts:
            act()
            for _ in range(50):
                await asyncio.sleep(0)

    asyncio.run(play())


def _texts(network: Network, number: str) -> list[str]:
    return [
        entry["text"]
        for entry in network.journal.since(0)
        if (entry["kind"], entry["account"]) == ("message", number)
        and entry["direction"] == "received"
    ]


def _kinds(network: Network) -> list[str]:
    return [entry["kind"] for entry in network.journal.since(0)]


def test_a_phone_that_lost_its_sessions_gets_the_message_again(tmp_path: Path) -> None:
    network = _network(tmp_path)
    anna, boris = network.phones[ANNA], network.phones[BORIS]
    _play(
        network,
        lambda: anna.send_text(boris.account, "раз"),
        lambda: boris.send_text(anna.account, "два"),
        lambda: blows.forget_sessions(network, boris.account),
        lambda: anna.send_text(boris.account, "три"),
    )
    assert _texts(network, BORIS) == ["раз", "три"]
    assert _kinds(network).count("undecryptable") == _kinds(network).count("retry") == 1


def test_a_copy_of_a_message_that_was_read_is_not_a_second_message(tmp_path: Path) -> None:
    network = _network(tmp_path)
    anna, boris = network.phones[ANNA], network.phones[BORIS]
    taken: list[Any] = []
    read = boris.receive

    def receive_twice(node: Any) -> None:
        taken.append(node)
        read(node)
        read(node)

    boris.receive = receive_twice  # type: ignore[method-assign]
    _play(network, lambda: anna.send_text(boris.account, "однажды"))
    assert _texts(network, BORIS) == ["однажды"]
    assert _kinds(network).count("duplicate") == 1


def test_a_key_used_for_another_message_before_is_asked_for_again(tmp_path: Path) -> None:
    network = _network(tmp_path)
    anna, boris = network.phones[ANNA], network.phones[BORIS]
    before: list[dict[str, Any]] = []

    def roll_back() -> None:
        """What the engine's race does: the sending chain falls back by one message."""
        anna.keys.__dict__.update(type(anna.keys).load(before[0]).__dict__)

    _play(
        network,
        lambda: anna.send_text(boris.account, "раз"),
        lambda: boris.send_text(anna.account, "два"),
        lambda: anna.send_text(boris.account, "три"),
        lambda: before.append(anna.keys.dump()),
        lambda: anna.send_text(boris.account, "четыре"),
        roll_back,
        lambda: anna.send_text(boris.account, "пять"),
    )
    assert _texts(network, BORIS) == ["раз", "три", "четыре", "пять"]
    reasons = [e["reason"] for e in network.journal.since(0) if e["kind"] == "undecryptable"]
    assert reasons == ["old counter"]


@pytest.mark.parametrize("link", ["/v/t62.7118-24/forged.enc?oh=x", "gone"])
def test_a_phone_tells_of_a_file_it_cannot_get_and_goes_on(tmp_path: Path, link: str) -> None:
    network = _network(tmp_path)
    anna, boris = network.phones[ANNA], network.phones[BORIS]
    path = network.tickets.link("A" * 43 + "=", BORIS) if link == "gone" else link
    place = Place(path, Seal(bytes(32), bytes(32), bytes(32), 5))
    message = attachments.compose(Attachment("image", caption="не видно"), place)
    _play(
        network,
        lambda: anna.send(boris.account, message),
        lambda: anna.send_text(boris.account, "а так?"),
    )
    assert _texts(network, BORIS) == ["не видно", "а так?"]
    (failed,) = [e for e in network.journal.since(0) if e["kind"] == "media_failed"]
    told = "no such file" if link == "gone" else "not one of this network"
    assert (failed["account"], failed["media"]["size"]) == (BORIS, 5)
    assert told in failed["reason"]


def test_phones_remember_everything_over_a_restart(tmp_path: Path) -> None:
    network = _network(tmp_path)
    anna, boris = network.phones[ANNA], network.phones[BORIS]
    _play(network, lambda: anna.send_text(boris.account, "раз"))
    network.storage.close()

    network = Network(Storage(tmp_path / "world.sqlite", lambda: None))
    anna, boris = network.phones[ANNA], network.phones[BORIS]
    _play(
        network,
        lambda: boris.send_text(anna.account, "два"),
        lambda: anna.send_text(boris.account, "три"),
        lambda: boris.read(anna.account),
    )
    assert (_texts(network, ANNA), _texts(network, BORIS)) == (["два"], ["раз", "три"])
    assert "undecryptable" not in _kinds(network)
    assert len(network.journal.since(0)[-1]["ids"]) == 2
    network.storage.close()
