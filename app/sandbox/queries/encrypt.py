"""Keys: a device publishes its own, and asks for those of others (namespace "encrypt")."""

from __future__ import annotations

from app.sandbox import key_server
from app.sandbox.connection import Connection
from app.sandbox.queries.base import QueryError, UnhandledQuery, describe
from app.sandbox.wire.node import Node, StanzaError
from app.sandbox.world import SignedPreKey


def answer(connection: Connection, node: Node) -> list[Node]:
    """Count, store or hand out keys."""
    if node.get("type") == "set" and node.find("list"):
        return _store(connection, node)
    if node.find("count"):
        companion = connection.owner.companion
        return [Node("count", {"value": len(companion.prekeys) if companion else 0})]
    wanted = node.find("key")
    if wanted:
        return [Node("list", {}, [_bundle(connection, user) for user in wanted.named("user")])]
    raise UnhandledQuery(describe(node))


def _store(connection: Connection, node: Node) -> list[Node]:
    companion = connection.owner.companion
    if companion is None:
        raise QueryError(401, "not-authorized")
    companion.registration_id = _number(node.child("registration"))
    companion.identity = node.child("identity").data
    skey = node.child("skey")
    companion.signed_prekey = SignedPreKey(
        _number(skey.child("id")), skey.child("value").data, skey.child("signature").data
    )
    for key in node.child("list").named("key"):
        companion.prekeys[_number(key.child("id"))] = key.child("value").data
    connection.network.save_companion(connection.owner.account, companion)
    return []


def _bundle(connection: Connection, user: Node) -> Node:
    jid = user.jid("jid")
    endpoint = connection.network.endpoint(jid)
    try:
        if endpoint is None:
            raise StanzaError(f"nobody is at {jid}")
        bundle = key_server.bundle_of(connection.network, endpoint)
    except StanzaError:
        return Node("user", {"jid": jid}, [QueryError(404, "item-not-found").node()])
    registration = Node("registration", {}, bundle.registration_id.to_bytes(4, "big"))
    return Node("user", {"jid": jid}, [registration, *key_server.bundle_nodes(bundle)])


def _number(node: Node) -> int:
    return int.from_bytes(node.data, "big")
