"""App state collections (namespace "w:sync:app:state")."""

from __future__ import annotations

from app.sandbox.connection import Connection
from app.sandbox.wire.node import Node


def answer(connection: Connection, node: Node) -> list[Node]:
    """Every collection is empty, at version 0."""
    collections = [
        Node("collection", {"name": collection.get("name"), "version": 0})
        for collection in node.child("sync").named("collection")
    ]
    return [Node("sync", {}, collections)]
