"""Who is there and who is typing."""

from __future__ import annotations

from app.sandbox.connection import Connection
from app.sandbox.wire.node import Node
from app.sandbox.world import Endpoint


def change(connection: Connection, node: Node) -> None:
    """Remember whether the device is available, or answer whether somebody else is."""
    kind = node.get("type", "available")
    if kind in ("available", "unavailable"):
        connection.available = kind == "available"
    elif kind == "subscribe":
        _tell_presence(connection, node)


def _tell_presence(connection: Connection, node: Node) -> None:
    # A simulated phone is always on.
    if connection.network.find(node.jid("to")):
        connection.send(Node("presence", {"from": node.jid("to").bare}))


def typing(connection: Connection, node: Node) -> None:
    """Pass a "typing" on to the other account's connected devices; it is never kept."""
    owner = connection.owner
    account = connection.network.find(node.jid("to"))
    if account is None:
        return
    for device in account.companions:
        copy = Node("chatstate", {"from": owner.lid}, node.content)
        connection.network.send_now(Endpoint(account, device), copy)
