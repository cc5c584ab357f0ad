"""App state collections: a device fetches patches or adds one (namespace "w:sync:app:state")."""

from __future__ import annotations

from app.sandbox import keeping
from app.sandbox.appstate import NAMES, BadPatch, Collection
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
    if asked.get("name") not in NAMES:
        return _refused(Node("collection", {"name": asked.get("name")}), 400, "bad-request")
    collection = owner.account.appstate.collection(asked.get("name"))
    known = int(asked.get("version", "0"))
    offered = asked.find("patch")
    if offered is None:
        first = 0 if asked.get("return_snapshot") == "true" else known
        return _answer(collection, first)
    if known != collection.version:
        return _refused(_answer(collection, known), 409, "conflict")
    patch = SyncdPatch.FromString(offered.data)
    try:
        records = owner.account.appstate.read(collection.name, patch)
    except BadPatch as error:  # the network itself cannot know, but a phone would be lost
        network.report_unhandled(f"patch of app state: {error}")
        return _refused(_answer(collection, known), 400, "bad-request")
    collection.append(patch, known)
    network.save_appstate(owner.account)
    network.announce_appstate(owner, collection)
    keeping.take_over(network, owner, records)
    return Node("collection", {"name": collection.name, "version": collection.version})


def _refused(collection: Node, code: int, text: str) -> Node:
    collection.attrs["type"] = "error"
    collection.content = [Node("error", {"code": str(code), "text": text}), *collection.children]
    return collection


def _answer(collection: Collection, known: int) -> Node:
    attrs: dict[str, Value] = {"name": collection.name, "version": collection.version}
    patches = [Node("patch", {}, patch) for patch in collection.patches[known:]]
    return Node("collection", attrs, [Node("patches", {}, patches)] if patches else None)
