"""The world of a new sandbox, and of one that was made when there were fewer contacts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.sandbox import demo_past, demo_world
from app.sandbox.network import Network
from app.sandbox.storage import Storage

CONTACTS = "critical_unblock_low"


def _network(folder: Path) -> Network:
    return Network(Storage(folder / "world.sqlite", lambda: None))


def _address_book(network: Network, number: str) -> int:
    """How many entries the phone's address book has."""
    return network.accounts[number].appstate.collection(CONTACTS).version


def test_the_cast_knows_each_other(tmp_path: Path) -> None:
    network = _network(tmp_path)
    demo_world.settle(network)
    others = len(network.accounts) - 1
    assert {_address_book(network, number) for number in network.accounts} == {others}


def test_a_world_that_is_there_changes_only_by_newcomers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cast = demo_world._CAST
    network = _network(tmp_path)
    monkeypatch.setattr(demo_world, "_CAST", cast[:4])
    demo_world.settle(network)
    lid = network.accounts[demo_world.DEMO_PHONE].lid
    network.storage.close()

    network = _network(tmp_path)
    monkeypatch.setattr(demo_world, "_CAST", cast)
    demo_world.settle(network)
    demo_world.settle(network)
    assert list(network.accounts) == [entry[0] for entry in cast]
    assert network.accounts[demo_world.DEMO_PHONE].lid == lid
    assert _address_book(network, demo_world.DEMO_PHONE) == len(cast) - 1
    network.storage.close()


def test_the_phone_of_the_demo_has_lived_and_remembers_it(tmp_path: Path) -> None:
    network = _network(tmp_path)
    demo_world.settle(network)

    async def move_in_twice() -> None:
        demo_past.move_in(network)
        demo_past.move_in(network)

    asyncio.run(move_in_twice())
    network.storage.close()

    network = _network(tmp_path)
    past = network.phones[demo_world.DEMO_PHONE].past
    book = network.accounts[demo_world.DEMO_PHONE].appstate
    names = {account.name for account in network.accounts.values()}
    assert len(past) == demo_past.CHATS + 1
    assert len(names) == len(network.accounts) == demo_past.PEOPLE + len(demo_world._CAST)
    assert len(book.collection(CONTACTS).value_macs) == len(network.accounts) - 1
    assert len({one.id for chat in past for one in chat.messages}) == sum(
        len(chat.messages) for chat in past
    )
    (group,) = network.groups.all()
    assert demo_world.DEMO_PHONE in group.roles
    network.storage.close()
