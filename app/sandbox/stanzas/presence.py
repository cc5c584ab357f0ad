"""Who is there and who is typing."""

from __future__ import annotations

from app.sandbox import chat_states
from app.sandbox.connection import Connection
from app.sandbox.wire.jid import GROUP_SERVER
from app.sandbox.wire.node import Node


def change(connection: Connection, node: Node) -> None:
    """Remember whether the device is available, or answer whether somebody else is."""
    kind = node.get("type", "available")
    if kind in ("available", "unavailable"):
        connection.available = kind == "available"
    elif kind == "subscribe":
        _tell_presence(connection, node)


def _tell_presence(connection: Connection, node: Node) -> None:
    # A simulated phone is always on.
    if account := connection.network.find(node.jid("to")):
        connection.following.add(account.number)
        connection.send(Node("presence", {"from": node.jid("to").bare}))


def typing(connection: Connection, node: Node) -> None:
    """Pass a "typing" on to the other side, if this device is shown as online."""
    network, to = connection.network, node.jid("to")
    chat = network.groups.find(to) if to.server == GROUP_SERVER else network.find(to)
    if chat is not None and connection.available:
        chat_states.spread(network, connection.owner.account, chat, chat_states.state_of(node))
