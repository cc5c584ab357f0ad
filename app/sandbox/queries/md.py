"""Linked devices (namespace "md"): the client unlinks itself."""

from __future__ import annotations

from app.sandbox.connection import Connection
from app.sandbox.queries.base import UnhandledQuery, describe
from app.sandbox.wire.node import Node


def answer(connection: Connection, node: Node) -> list[Node]:
    """Unlink the device that asks; nothing else is known here (pairing by code is to come)."""
    if node.find("remove-companion-device") is None:
        raise UnhandledQuery(describe(node))
    owner = connection.owner
    connection.network.remove_companion(owner.account, owner.device)
    connection.network.journal.append("logged_out", owner.account.number, device=owner.device)
    return []


def after(connection: Connection, node: Node) -> None:
    """The client disconnects by itself; it is only not written to any more."""
    if node.find("remove-companion-device"):
        connection.active = False
