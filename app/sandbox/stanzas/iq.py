"""Queries: finds the handler of the namespace and sends its answer back."""

from __future__ import annotations

import logging

from app.sandbox import queries
from app.sandbox.connection import Connection
from app.sandbox.wire.jid import SERVER
from app.sandbox.wire.node import Node

log = logging.getLogger(__name__)
_NOT_IMPLEMENTED = 501


def answer(connection: Connection, node: Node) -> None:
    """Answer a query; one without a handler gets error 501 and shows up in GET /state."""
    if node.get("type") in ("result", "error"):
        connection.answered(node)
        return
    try:
        content = queries.handler_of(node)(connection, node)
    except queries.UnhandledQuery as error:
        log.error("UNHANDLED QUERY %s", node)
        connection.network.report_unhandled(str(error))
        failure = queries.QueryError(_NOT_IMPLEMENTED, "feature-not-implemented")
        connection.send(_reply(node, "error", [failure.node()]))
    except queries.QueryError as error:
        connection.send(_reply(node, "error", [error.node()]))
    else:
        connection.send(_reply(node, "result", content))
        queries.afterwards(connection, node)


def _reply(node: Node, kind: str, content: list[Node]) -> Node:
    sender = node.find_jid("to") or SERVER
    return Node("iq", {"from": sender, "id": node.get("id"), "type": kind}, content or None)
