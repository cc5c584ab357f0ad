"""A client does something about a call."""

from __future__ import annotations

from app.sandbox.connection import Connection
from app.sandbox.wire.node import Node, StanzaError, Value


def accept(connection: Connection, node: Node) -> None:
    """Acknowledge a rejection and end the call. Raises StanzaError for anything else."""
    rejected = node.find("reject")
    if rejected is None:
        raise StanzaError("calls can only be rejected here")
    ack: dict[str, Value] = {
        "class": "call",
        "type": "reject",
        "id": node.get("id"),
        "from": node.jid("to"),
    }
    connection.send(Node("ack", ack))
    connection.network.calls.reject(connection.owner, rejected.get("call-id"))
