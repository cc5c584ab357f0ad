"""How messages and receipts travel in a group.

Sources: wire.md section 5; whatsmeow, send.go (sendGroup), receipt.go (sendMessageReceipt) and
retry.go (handleRetryReceipt).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.sandbox.clock import unix_now
from app.sandbox.devices import device_hash
from app.sandbox.groups.group import Group
from app.sandbox.wire.jid import JID
from app.sandbox.wire.node import Node, StanzaError, Value
from app.sandbox.world import PHONE, Account, Endpoint

if TYPE_CHECKING:
    from app.sandbox.network import Network

_PASSED_ATTRS = ("edit",)
_PASSED_CHILDREN = ("meta",)


def send_message(network: Network, sender: Endpoint, group: Group, node: Node) -> str:
    """Deliver a message to every device of every member but the sender's own.

    Each gets its own copy of the sender key, where there is one, and the text for everybody. One
    that names a participant goes to that device alone: it had asked for it again. Returns the hash
    of the devices it should have gone to when that is another set, else "". Raises StanzaError.
    """
    if not group.may_write(sender.account.number):
        raise StanzaError(f"{sender.account.number} may not write in {group.jid}")
    if asked := node.find_jid("participant"):
        endpoint = network.endpoint(asked)
        if endpoint is not None:
            network.deliver(endpoint, _copy(node, sender, group, list(node.named("enc"))))
        return ""
    participants = node.find("participants")
    own = (
        {entry.jid("jid"): entry.children for entry in participants.named("to")}
        if (participants)
        else {}
    )
    shared = list(node.named("enc"))
    wanted: set[JID] = set()
    for member in network.groups.members(group):
        for device in member.devices:
            to = Endpoint(member, device)
            wanted.add(to.lid)
            if to != sender:
                content = [*own.get(to.lid, []), *_readable(network, to, shared)]
                network.deliver(to, _copy(node, sender, group, content))
    addressed = set(own) | {sender.lid}
    return "" if addressed == wanted else device_hash(wanted)


def _readable(network: Network, to: Endpoint, shared: list[Node]) -> list[Node]:
    """What everybody reads, or what that device cannot where such a fault is in force."""
    garble = network.faults.of(to.account.number).garble_messages and to.device != PHONE
    return [_garbled(enc) for enc in shared] if garble else shared


def _garbled(enc: Node) -> Node:
    data = bytearray(enc.data)
    data[-8] ^= 1  # within the signature
    return Node(enc.tag, enc.attrs, bytes(data))


def _copy(node: Node, sender: Endpoint, group: Group, enc: list[Node]) -> Node:
    attrs: dict[str, Value] = {
        "from": group.jid,
        "id": node.get("id"),
        "type": node.get("type", "text"),
        "t": unix_now(),
        "participant": sender.lid,
        "participant_pn": sender.account.jid,
        "addressing_mode": "lid",
        "notify": sender.account.name,
    }
    attrs.update({key: node.attrs[key] for key in _PASSED_ATTRS if key in node.attrs})
    content = [*enc, *(child for child in node.children if child.tag in _PASSED_CHILDREN)]
    identity = node.find("device-identity")
    if identity and any(one.get("type") == "pkmsg" for one in enc):
        content.append(identity)
    return Node("message", attrs, content)


def send_receipt(network: Network, sender: Endpoint, group: Group, node: Node) -> Account:
    """Deliver a receipt to the author of the message it is about, who is returned.

    A request to send again goes to the one device that sent it. Raises StanzaError.
    """
    author = node.find_jid("participant")
    account = network.find(author) if author else None
    if author is None or account is None:
        raise StanzaError(f"a receipt in {group.jid} for nobody")
    kind = node.get("type")
    devices = [author.device] if kind in ("retry", "sender") else account.devices
    for device in devices:
        endpoint = network.endpoint(account.lid.on_device(device))
        if endpoint and endpoint != sender:
            network.deliver(endpoint, _forwarded(sender, group, node))
    return account


def _forwarded(sender: Endpoint, group: Group, node: Node) -> Node:
    attrs: dict[str, Value] = {
        "from": group.jid,
        "participant": sender.lid,
        "id": node.get("id"),
        "t": unix_now(),
    }
    if kind := node.get("type"):
        attrs["type"] = kind
    return Node("receipt", attrs, node.content)
