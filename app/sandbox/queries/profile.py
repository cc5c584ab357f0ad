"""Facts about people that the sandbox's people do not have."""

from __future__ import annotations

from app.sandbox.connection import Connection
from app.sandbox.queries.base import QueryError
from app.sandbox.wire.node import Node


def picture(connection: Connection, node: Node) -> list[Node]:
    """Nobody has a profile picture."""
    raise QueryError(404, "item-not-found")


def blocklist(connection: Connection, node: Node) -> list[Node]:
    """Nobody is blocked."""
    return [Node("list", {"dhash": "none"})]
