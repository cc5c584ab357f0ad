"""The server's store of public keys: what one needs to write to a device for the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.sandbox.signal.session import PreKeyBundle
from app.sandbox.wire.node import Node, StanzaError
from app.sandbox.world import PHONE, Companion, Endpoint

if TYPE_CHECKING:
    from app.sandbox.network import Network

DJB_TYPE = b"\x05"
FEW_PREKEYS = 5


def bundle_of(network: Network, endpoint: Endpoint) -> PreKeyBundle:
    """Return a device's bundle, spending one of its one-time keys; raises StanzaError."""
    if endpoint.device == PHONE:
        bundle = endpoint.account.keys.bundle()
        network.save_phone(endpoint.account)
        return bundle
    companion = endpoint.companion
    if companion is None or companion.signed_prekey is None:
        raise StanzaError(f"{endpoint.lid} has published no keys")
    prekey_id, prekey = _spend_prekey(network, endpoint, companion)
    return PreKeyBundle(
        registration_id=companion.registration_id,
        identity=companion.identity,
        signed_prekey_id=companion.signed_prekey.id,
        signed_prekey=companion.signed_prekey.public,
        signed_prekey_signature=companion.signed_prekey.signature,
        prekey_id=prekey_id,
        prekey=prekey,
    )


def _spend_prekey(
    network: Network, endpoint: Endpoint, companion: Companion
) -> tuple[int | None, bytes | None]:
    if not companion.prekeys:
        return None, None
    spent = companion.prekeys.popitem(last=False)
    network.save_companion(endpoint.account, companion)
    if len(companion.prekeys) == FEW_PREKEYS - 1:
        network.ask_for_prekeys(endpoint, len(companion.prekeys))
    return spent


def bundle_nodes(bundle: PreKeyBundle) -> list[Node]:
    """Return a bundle as the children of a <user> or <keys> node, without the registration id."""
    nodes = [
        Node("type", {}, DJB_TYPE),
        Node("identity", {}, bundle.identity),
        _key_node(
            "skey", bundle.signed_prekey_id, bundle.signed_prekey, bundle.signed_prekey_signature
        ),
    ]
    if bundle.prekey_id is not None and bundle.prekey is not None:
        nodes.append(_key_node("key", bundle.prekey_id, bundle.prekey))
    return nodes


def _key_node(tag: str, key_id: int, value: bytes, signature: bytes | None = None) -> Node:
    children = [Node("id", {}, key_id.to_bytes(3, "big")), Node("value", {}, value)]
    if signature is not None:
        children.append(Node("signature", {}, signature))
    return Node(tag, {}, children)
