"""How messages and receipts travel from one device to the others. Phones and companions alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.sandbox.clock import unix_now
from app.sandbox.devices import device_hash
from app.sandbox.groups import routing as group_routing
from app.sandbox.wire.jid import JID
from app.sandbox.wire.node import Node, StanzaError, Value
from app.sandbox.world import PHONE, Account, Endpoint

if TYPE_CHECKING:
    from app.sandbox.network import Network

_PASSED_ATTRS = ("category", "edit")
_PASSED_CHILDREN = ("meta",)
_OWN_BUSINESS = {"sender", "peer_msg", "hist_sync"}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the copies of one message have in common."""

    sender: Endpoint
    node: Node
    chat: Account

    def copy_for(self, to: Endpoint, enc: list[Node]) -> Node:
        """Return the stanza that brings `enc` to one device."""
        attrs: dict[str, Value] = {
            "from": self.sender.lid,
            "id": self.node.get("id"),
            "type": self.node.get("type", "text"),
            "t": unix_now(),
        }
        attrs.update({k: self.node.attrs[k] for k in _PASSED_ATTRS if k in self.node.attrs})
        if to.account is not self.sender.account:
            attrs["notify"] = self.sender.account.name
            attrs["sender_pn"] = self.sender.account.jid
        elif "category" not in attrs:
            attrs["recipient"] = self.chat.lid
            attrs["peer_recipient_pn"] = self.chat.jid
        content = [*enc, *(c for c in self.node.children if c.tag in _PASSED_CHILDREN)]
        identity = self.node.find("device-identity")
        if identity and any(e.get("type") == "pkmsg" for e in enc):
            content.append(identity)
        return Node("message", attrs, content)


def send_message(network: Network, sender: Endpoint, node: Node) -> str:
    """Deliver a message to every device it was encrypted for.

    Returns the hash of the devices it should have gone to when that is another set, else "".
    Raises StanzaError when nobody is at the address.
    """
    to = node.jid("to")
    group = network.groups.find(to)
    if group is not None:
        return group_routing.send_message(network, sender, group, node)
    chat = network.find(node.find_jid("recipient") or to)
    if chat is None:
        raise StanzaError(f"nobody is at {to}")
    envelope = Envelope(sender, node, chat)
    addressed: set[JID] = {sender.lid}
    participants = node.find("participants")
    if participants is None:
        endpoint = network.endpoint(to)
        if endpoint:
            _deliver_copy(network, envelope, endpoint, list(node.named("enc")))
        return ""
    for entry in participants.named("to"):
        endpoint = network.endpoint(entry.jid("jid"))
        addressed.add(endpoint.lid if endpoint else entry.jid("jid"))
        if endpoint:
            _deliver_copy(network, envelope, endpoint, entry.children)
    return _correction(addressed, sender.account, chat)


def _deliver_copy(network: Network, envelope: Envelope, to: Endpoint, enc: list[Node]) -> None:
    if envelope.sender.account.number in to.account.blocked:
        return  # and the sender hears nothing of it
    garble = network.faults.of(to.account.number).garble_messages
    if garble and to.device != PHONE:
        enc = [_garbled(e) if e.tag == "enc" and "count" not in e.attrs else e for e in enc]
    network.deliver(to, envelope.copy_for(to, enc))


def _garbled(enc: Node) -> Node:
    """Return the ciphertext with one bit flipped where both kinds of message hold their MAC.

    A "msg" ends with its 8 bytes; in a "pkmsg" a few bytes with the ids of keys may follow.
    """
    data = bytearray(enc.data)
    data[-8] ^= 1
    return Node(enc.tag, enc.attrs, bytes(data))


def _correction(addressed: set[JID], own: Account, chat: Account) -> str:
    wanted = {a.lid.on_device(device) for a in (own, chat) for device in a.devices}
    return "" if addressed == wanted else device_hash(wanted)


def send_receipt(network: Network, sender: Endpoint, node: Node) -> None:
    """Deliver a receipt to those it concerns, and write it into the journal.

    A request to send again goes to the one device that sent the message, a receipt for one's own
    device there, everything else to all devices of the account. Raises StanzaError.
    """
    to = node.jid("to")
    group = network.groups.find(to)
    if group is not None:
        author = group_routing.send_receipt(network, sender, group, node)
        _write_down(network, sender, author, node)
        return
    account = network.find(to)
    if account is None:
        raise StanzaError(f"nobody is at {to}")
    kind = node.get("type")
    _write_down(network, sender, account, node)
    single = kind == "retry" or kind in _OWN_BUSINESS
    devices = [to.device] if single else account.devices
    for device in devices:
        endpoint = network.endpoint(account.lid.on_device(device))
        if endpoint and endpoint != sender:
            network.deliver(endpoint, _forwarded(sender, node))


def _forwarded(sender: Endpoint, node: Node) -> Node:
    attrs: dict[str, Value] = {"from": sender.lid, "id": node.get("id"), "t": unix_now()}
    for key in ("type", "recipient", "category"):
        if key in node.attrs:
            attrs[key] = node.attrs[key]
    return Node("receipt", attrs, node.content)


def _write_down(network: Network, sender: Endpoint, to: Account, node: Node) -> None:
    network.journal.append(
        "retry" if node.get("type") == "retry" else "receipt",
        to.number,
        type=node.get("type") or "delivered",
        ids=receipt_ids(node),
        **{"from": sender.account.number, "device": sender.device},
    )


def receipt_ids(node: Node) -> list[str]:
    """Return the ids of all messages a receipt speaks of."""
    listed = node.find("list")
    return [node.get("id"), *(item.get("id") for item in (listed.children if listed else []))]
