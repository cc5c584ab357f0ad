"""What could not be read is asked for again, and sent again when others ask.

Source: whatsmeow, retry.go (sendRetryReceipt, handleRetryReceipt).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.sandbox import contents, key_server, routing
from app.sandbox.groups import talk
from app.sandbox.kinds import kind_attrs
from app.sandbox.wire.jid import JID
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import Endpoint

if TYPE_CHECKING:
    from app.sandbox.phone import Phone

_MAX_RETRIES = 5
_KEYS_FROM_RETRY = 2


def ask_again(phone: Phone, node: Node, sender: Endpoint, error: Exception) -> None:
    """Send a retry receipt; from the second on it carries keys for a new session."""
    message_id = node.get("id")
    count = phone.asked_again.get(message_id, 0) + 1
    phone.asked_again[message_id] = count
    phone.log("undecryptable", node, sender, reason=str(error), count=count)
    if count > _MAX_RETRIES:
        return
    bundle = phone.keys.bundle()
    content = [
        Node("retry", {"count": count, "id": message_id, "t": node.get("t"), "v": "1"}),
        Node("registration", {}, bundle.registration_id.to_bytes(4, "big")),
    ]
    if count >= _KEYS_FROM_RETRY:
        content.append(Node("keys", {}, key_server.bundle_nodes(bundle)))
    attrs: dict[str, Value] = {"to": sender.lid, "id": message_id, "type": "retry"}
    if "participant" in node.attrs:
        attrs["to"] = node.jid("from")
    for name in ("recipient", "category", "participant"):
        if name in node.attrs:
            attrs[name] = node.attrs[name]
    routing.send_receipt(phone.network, phone.place, Node("receipt", attrs, content))


def send_again(phone: Phone, receipt: Node) -> None:
    """Encrypt a message anew, in a new session, for the device that could not read it."""
    device = phone.network.endpoint(receipt.find_jid("participant") or receipt.jid("from"))
    sent = phone.sent.get(receipt.get("id"))
    retry = receipt.child("retry")
    if device is None or sent is None or int(retry.get("count", "1")) > _MAX_RETRIES:
        return
    group = phone.network.groups.find(JID.parse(sent.to))
    plaintext = sent.plaintext
    kind = kind_attrs(contents.parse(contents.pad(plaintext)))
    attrs: dict[str, Value] = {"to": device.lid, "id": receipt.get("id"), **kind}
    if group:
        plaintext = talk.with_key(phone, group, plaintext)
        attrs |= {"to": group.jid, "participant": device.lid}
    elif receipt.get("category") == "peer":
        attrs["category"] = "peer"
    elif device.account is phone.account:
        to = phone.network.account(sent.to)
        plaintext = contents.sent_from_own_device(str(to.lid), plaintext)
        attrs["recipient"] = to.lid
    enc = phone.encrypt(device, plaintext, fresh=True)
    enc.attrs["count"] = retry.get("count", "1")
    routing.send_message(phone.network, phone.place, Node("message", attrs, [enc]))
    phone.network.save_phone(phone.account)
