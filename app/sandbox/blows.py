"""Misbehaviour that happens once, at once, to everybody or to one account."""

from __future__ import annotations

from collections.abc import Callable

from app.sandbox import login
from app.sandbox.connection import Connection
from app.sandbox.network import Network
from app.sandbox.world import Account, Endpoint


def drop(network: Network, account: Account | None) -> None:
    """Cut live connections without a word; for everybody, those that wait to be linked too."""
    for connection in _connections(network, account):
        connection.drop()


def replace(network: Network, account: Account | None) -> None:
    """Tell devices that the same device has logged in elsewhere."""
    for connection in _connections(network, account):
        if connection.endpoint:
            login.replace(connection)


def forget_sessions(network: Network, account: Account | None) -> None:
    """Let phones lose their Signal sessions: what comes next is undecryptable until sent again."""
    for forgetful in [account] if account else list(network.accounts.values()):
        for other in network.accounts.values():
            for device in other.devices:
                forgetful.keys.forget(Endpoint(other, device).address)
        network.save_phone(forgetful)


def _connections(network: Network, account: Account | None) -> list[Connection]:
    if account is None:
        return list(network.open_connections)
    return [c for c in network.connections.values() if c.owner.account is account]


BLOWS: dict[str, Callable[[Network, Account | None], None]] = {
    "drop": drop,
    "forget_sessions": forget_sessions,
    "replace": replace,
}
