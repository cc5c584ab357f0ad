"""App state collections: a device fetches patches or adds one (namespace "w:sync:app:state")."""

from __future__ import annotations

from app.sandbox.appstate import Collection, VersionConflict
from app.sandbox.connection import Connection
from app.sandbox.protos import SyncdPatch
from app.sandbox.wire.node import Node, Value


def answer(connection: Connection, node: Node) -> list[Node]:
    """Return every asked collection with the patches the device does not have yet.

    No snapshot is ever sent: the engine accepts all patches from the first instead.
    """
    collections = list(node.child("sync").named("collection"))
    return [Node("sync", {}, [_collection(connection, asked) for asked in collections])]


def _collection(connection: Connection, asked: Node) -> Node:
    network, owner = connection.network, connection.owner
    collection = owner.account.appstate.collection(asked.get("name"))
    known = int(asked.get("version", "0"))
    offered = asked.find("patch")
    if offered is None:
        first = 0 if asked.get("return_snapshot") == "true" else known
        return _answer(collection, first)
    try:
        collection.append(SyncdPatch.FromString(offered.data), known)
    except VersionConflict:
        conflict = _answer(collection, known)
        conflict.attrs["type"] = "error"
        error = Node("error", {"code": "409", "text": "conflict"})
        conflict.content = [error, *conflict.children]
        return conflict
    network.save_appstate(owner.account)
    network.announce_appstate(owner, collection)
    return Node("collection", {"name": collection.name, "version": collection.version})


def _answer(collection: Collection, known: int) -> Node:
    attrs: dict[str, Value] = {"name": collection.name, "version": collection.version}
    patches = [Node("patch", {}, patch) for patch in collection.patches[known:]]
    return Node("collection", attrs, [Node("patches", {}, patches)] if patches else None)
