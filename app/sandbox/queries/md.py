"""Linked devices (namespace "md"): a client unlinks itself, or wants to be linked by a code."""

from __future__ import annotations

from app.sandbox import link_code
from app.sandbox.connection import Connection
from app.sandbox.queries.base import QueryError, UnhandledQuery, describe
from app.sandbox.wire.node import Node


def answer(connection: Connection, node: Node) -> list[Node]:
    """Take the steps of linking by code, or unlink the device that asks."""
    registration = node.find(link_code.TAG)
    if registration is not None:
        return _link_by_code(connection, registration)
    if node.find("remove-companion-device") is None:
        raise UnhandledQuery(describe(node))
    owner = connection.owner
    connection.network.remove_companion(owner.account, owner.device)
    connection.network.journal.append("logged_out", owner.account.number, device=owner.device)
    return []


def _link_by_code(connection: Connection, node: Node) -> list[Node]:
    if node.get("stage") == "companion_finish":
        link_code.finish(connection, node)
        return []
    if connection.network.find(node.jid("jid")) is None:
        raise QueryError(404, "item-not-found")
    ref = Node("link_code_pairing_ref", {}, link_code.hello(connection, node))
    return [Node(link_code.TAG, {"stage": "companion_hello"}, [ref])]


def after(connection: Connection, node: Node) -> None:
    """The client disconnects by itself; it is only not written to any more."""
    if node.find("remove-companion-device"):
        connection.active = False
