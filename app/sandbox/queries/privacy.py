"""Privacy settings, and the tokens contacts give each other (namespace "privacy")."""

from __future__ import annotations

from app.sandbox.connection import Connection
from app.sandbox.queries.base import UnhandledQuery, describe
from app.sandbox.wire.node import Node

# Everything open, as on a new account.
_SETTINGS = {
    "readreceipts": "all",
    "profile": "all",
    "status": "contacts",
    "online": "all",
    "last": "all",
    "groupadd": "all",
    "calladd": "all",
}


def answer(connection: Connection, node: Node) -> list[Node]:
    """Tell the settings; changes and tokens are accepted and not kept."""
    if node.find("tokens"):
        return []
    if node.find("privacy"):
        if node.get("type") == "set":
            return []
        categories = [
            Node("category", {"name": name, "value": value}) for name, value in _SETTINGS.items()
        ]
        return [Node("privacy", {}, categories)]
    raise UnhandledQuery(describe(node))
