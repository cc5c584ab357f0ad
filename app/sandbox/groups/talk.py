"""What a phone does in a group: it writes once for everybody, and gives each device its sender key.

Source: whatsmeow, send.go (sendGroup): every message carries the key again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.sandbox import contents
from app.sandbox.groups.group import Group
from app.sandbox.protos import E2EMessage
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import Endpoint

if TYPE_CHECKING:
    from app.sandbox.phone import Phone


def message(
    phone: Phone, group: Group, plaintext: bytes, attrs: dict[str, Value], mediatype: str
) -> Node:
    """Return the stanza of a message to all of `group`."""
    key = _key_message(phone, group)
    entries = []
    for member in phone.network.groups.members(group):
        for device in member.devices:
            to = Endpoint(member, device)
            if to != phone.place:
                entries.append(Node("to", {"jid": to.lid}, [phone.encrypt(to, key)]))
    sealed = phone.sender_keys.encrypt(str(group.jid), contents.pad(plaintext))
    enc = Node("enc", {"v": "2", "type": "skmsg"}, sealed)
    if mediatype:
        enc.attrs["mediatype"] = mediatype
    attrs = {"to": group.jid, "addressing_mode": "lid", **attrs}
    return Node("message", attrs, [Node("participants", {}, entries), enc])


def with_key(phone: Phone, group: Group, plaintext: bytes) -> bytes:
    """Return a message that is sent again to one device, with the key it may have lacked."""
    whole = E2EMessage.FromString(plaintext)
    whole.MergeFromString(_key_message(phone, group))
    return bytes(whole.SerializeToString())


def learn_key(phone: Phone, sender: Endpoint, said: E2EMessage) -> None:
    """Take in the sender key that a message brings, if it does."""
    if said.HasField("senderKeyDistributionMessage"):
        key = said.senderKeyDistributionMessage
        phone.sender_keys.learn(
            key.groupID, sender.address, key.axolotlSenderKeyDistributionMessage
        )


def is_only_a_key(said: E2EMessage) -> bool:
    """Whether a message says nothing besides."""
    names = {field.name for field, _ in said.ListFields()}
    return "senderKeyDistributionMessage" in names and names <= {
        "senderKeyDistributionMessage",
        "messageContextInfo",
    }


def _key_message(phone: Phone, group: Group) -> bytes:
    whole = E2EMessage()
    key = whole.senderKeyDistributionMessage
    key.groupID = str(group.jid)
    key.axolotlSenderKeyDistributionMessage = phone.sender_keys.distribution(str(group.jid))
    return bytes(whole.SerializeToString())
