"""An account's phone: device 0, with real Signal sessions, simulated in this process.

It decrypts what it is sent, writes it into the journal, sends the receipts a real phone sends, asks
again for what it cannot read, and answers such requests.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.sandbox import amendments, behaviors, cards, contents, key_server, peers, polls, routing
from app.sandbox.behaviors import Heard
from app.sandbox.media import album, attachments
from app.sandbox.media.attachments import Attachment, Place
from app.sandbox.media.crypto import MediaError
from app.sandbox.media.kinds import FORMS
from app.sandbox.signal.session import Kind, OldCounter, SignalError
from app.sandbox.wire.jid import JID
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import PHONE, Account, Companion, Endpoint

if TYPE_CHECKING:
    from app.sandbox.network import Network

_REMEMBERED = 2000
_MAX_RETRIES = 5
_KEYS_FROM_RETRY = 2


@dataclass(frozen=True, slots=True)
class Sent:
    """A message this phone sent, kept so that it can be sent again."""

    to: str
    plaintext: bytes


class Phone:
    """The phone of one account. Belongs to the network's event loop."""

    def __init__(
        self, network: Network, account: Account, memory: dict[str, Any] | None = None
    ) -> None:
        memory = memory or {}
        self.network = network
        self.account = account
        self.keys = account.keys
        self.place = Endpoint(account, PHONE)
        self.peer_keys: dict[str, Any] = memory.get("peer_keys", {})
        self._sent: OrderedDict[str, Sent] = OrderedDict(
            (i, Sent(to, bytes.fromhex(body))) for i, to, body in memory.get("sent", [])
        )
        self._opened: OrderedDict[str, None] = OrderedDict.fromkeys(memory.get("opened", []))
        self._unread: dict[str, str] = memory.get("unread", {})
        self._retries: dict[str, int] = {}

    def dump(self) -> dict[str, Any]:
        """Return the keys, sessions and memory, JSON-able."""
        return {
            "keys": self.keys.dump(),
            "peer_keys": self.peer_keys,
            "sent": [[i, sent.to, sent.plaintext.hex()] for i, sent in self._sent.items()],
            "opened": list(self._opened),
            "unread": self._unread,
        }

    # Sending

    def send_text(self, to: Account, text: str) -> str:
        """Write `text` to another account; returns the message's id."""
        return self.send(to, contents.text_message(text))

    def send(self, to: Account, plaintext: bytes) -> str:
        """Send a message to all devices of an account and the own ones; returns its id.

        What may be seen once only goes to phones; linked devices hear that there is something.
        """
        message_id = "3A" + secrets.token_hex(9).upper()
        message = contents.parse(contents.pad(plaintext))
        _remember(self._sent, message_id, Sent(to.number, plaintext))
        self._log_message("sent", message_id, self.account, to, self.place, message)
        copies = {Endpoint(to, device): plaintext for device in to.devices}
        own = contents.sent_from_own_device(str(to.lid), plaintext)
        copies.update({Endpoint(self.account, device): own for device in self.account.companions})
        copies.pop(self.place, None)
        once = contents.is_view_once(message)
        entries = [
            Node("to", {"jid": endpoint.lid}, [self._copy(endpoint, body, message, once)])
            for endpoint, body in copies.items()
        ]
        attrs: dict[str, Value] = {"to": to.lid, "id": message_id, **_kind_attrs(message)}
        node = Node("message", attrs, [Node("participants", {}, entries)])
        routing.send_message(self.network, self.place, node)
        self.network.save_phone(self.account)
        return message_id

    def send_peer(self, device: int, plaintext: bytes) -> None:
        """Write a message that is not for people to one of the own companions."""
        to = Endpoint(self.account, device)
        message_id = "3A" + secrets.token_hex(9).upper()
        _remember(self._sent, message_id, Sent(self.account.number, plaintext))
        attrs: dict[str, Value] = {
            "to": to.lid,
            "id": message_id,
            "type": "text",
            "category": "peer",
        }
        node = Node("message", attrs, [self._encrypt(to, plaintext)])
        routing.send_message(self.network, self.place, node)
        self.network.save_phone(self.account)

    def send_receipt(self, to: JID, ids: list[str], kind: str = "", **attrs: Value) -> None:
        """Send one receipt for `ids` to the sender of the messages."""
        fields: dict[str, Value] = {"to": to, "id": ids[0], **attrs}
        if kind:
            fields["type"] = kind
        more = [Node("item", {"id": i}) for i in ids[1:]]
        node = Node("receipt", fields, [Node("list", {}, more)] if more else None)
        routing.send_receipt(self.network, self.place, node)

    def read(self, author: Account, ids: list[str] | None = None) -> list[str]:
        """Tell `author` that its messages (these, or all) were read; returns their ids."""
        wanted = [
            message_id
            for message_id, sender in self._unread.items()
            if JID.parse(sender).bare == author.lid and (ids is None or message_id in ids)
        ]
        by_sender: dict[str, list[str]] = {}
        for message_id in wanted:
            by_sender.setdefault(self._unread.pop(message_id), []).append(message_id)
        for sender, read_ids in by_sender.items():
            self.send_receipt(JID.parse(sender), read_ids, "read")
        self.network.save_phone(self.account)
        return wanted

    def _copy(self, to: Endpoint, body: bytes, message: Any, once: bool) -> Node:
        if once and to.device != PHONE:
            return Node("unavailable", {"type": "view_once"})
        enc = self._encrypt(to, body)
        mediatype = _mediatype(message)
        if mediatype:
            enc.attrs["mediatype"] = mediatype
        return enc

    def play(self, author: Account, message_id: str) -> None:
        """Tell `author` that a voice note was listened to; raises KeyError when it never came."""
        device = self.find(message_id)["device"]
        self.send_receipt(author.lid.on_device(device), [message_id], "played")

    def poll(self, message_id: str) -> polls.Poll:
        """Return a poll that was sent or received; raises KeyError when it is none."""
        entry = self.find(message_id)
        told = entry["poll"]
        creator = self.network.account(entry["from"]).lid
        return polls.Poll(
            message_id, creator, bytes.fromhex(told["secret"]), tuple(told["options"])
        )

    def find(self, message_id: str) -> dict[str, Any]:
        """Return the journal's entry of a message sent or received; raises KeyError."""
        wanted = ("message", self.account.number, message_id)
        for entry in reversed(self.network.journal.since(0)):
            if (entry["kind"], entry["account"], entry.get("id")) == wanted:
                return entry
        raise KeyError(message_id)

    def _encrypt(self, to: Endpoint, plaintext: bytes, fresh: bool = False) -> Node:
        if fresh or not self.keys.has_session(to.address):
            self.keys.start(to.address, key_server.bundle_of(self.network, to))
        kind, ciphertext = self.keys.encrypt(to.address, contents.pad(plaintext))
        return Node("enc", {"v": "2", "type": kind}, ciphertext)

    def welcome(self, companion: Companion) -> None:
        """Give a companion that has just been linked the key of the account's app state."""
        self.send_peer(companion.number, peers.key_share(self.account))

    # Receiving

    def receive(self, node: Node) -> None:
        """Take in one stanza. Notifications, presence and typing mean nothing to this phone."""
        if node.tag == "message":
            self._receive_message(node)
        elif node.tag == "receipt" and node.get("type") == "retry":
            self._send_again(node)

    def _receive_message(self, node: Node) -> None:
        sender = self.network.endpoint(node.jid("from"))
        if sender is None:
            return
        for enc in node.named("enc"):
            try:
                padded = self.keys.decrypt(sender.address, _kind(enc), enc.data)
                message = contents.parse(padded)
            except OldCounter:
                self._old_counter(node, sender)
            except (SignalError, contents.ContentError) as error:
                self._ask_again(node, sender, error)
            else:
                _remember(self._opened, node.get("id"), None)
                self._take(node, sender, message)
        self.network.save_phone(self.account)

    def _old_counter(self, node: Node, sender: Endpoint) -> None:
        """Tell a second copy of a message that was read from one whose key was used before."""
        if node.get("id") in self._opened:
            self._log("duplicate", node, sender)
            self._acknowledge(node, sender)
        else:
            self._ask_again(node, sender, OldCounter("old counter"))

    def _take(self, node: Node, sender: Endpoint, message: Any) -> None:
        message_id = node.get("id")
        if node.get("category") == "peer":
            peers.receive(self, sender, message)
            return
        if sender.account is self.account:
            inner = message.deviceSentMessage.message
            to = self.network.find(node.jid("recipient")) or self.account
            self._log_message("sent", message_id, self.account, to, sender, inner)
            self._acknowledge(node, sender)
            return
        self._log_message("received", message_id, sender.account, self.account, sender, message)
        self._acknowledge(node, sender)
        if contents.kind_of(message) in amendments.KINDS:
            return
        self._unread[message_id] = str(sender.lid)
        found = attachments.find(message)
        if found:
            self.network.start(self._collect(sender, message_id, *found))
        else:
            behaviors.react(self, sender, message_id, Heard(contents.text_of(message)))

    async def _collect(
        self, sender: Endpoint, message_id: str, attachment: Attachment, place: Place
    ) -> None:
        """Download what a message brought, write down what came of it, and react."""
        facts = {"id": message_id, "from": sender.account.number, "device": sender.device}
        facts["media"] = attachments.facts(attachment, place)
        try:
            file = await album.collect(self.network, attachment, place)
        except MediaError as error:
            self.network.journal.append(
                "media_failed", self.account.number, **facts, reason=str(error)
            )
            return
        self.network.journal.append("media", self.account.number, **facts)
        behaviors.react(self, sender, message_id, Heard(attachment.caption, attachment, file))

    def _acknowledge(self, node: Node, sender: Endpoint) -> None:
        if node.get("category") == "peer":
            self.send_receipt(sender.lid, [node.get("id")], "peer_msg")
        elif self.network.faults.of(self.account.number).withhold_receipts:
            return
        elif sender.account is self.account:
            recipient = node.jid("recipient")
            self.send_receipt(sender.lid, [node.get("id")], "sender", recipient=recipient)
        else:
            self.send_receipt(sender.lid, [node.get("id")])

    def _ask_again(self, node: Node, sender: Endpoint, error: Exception) -> None:
        """Send a retry receipt; from the second on it carries keys for a new session."""
        message_id = node.get("id")
        count = self._retries.get(message_id, 0) + 1
        self._retries[message_id] = count
        self._log("undecryptable", node, sender, reason=str(error), count=count)
        if count > _MAX_RETRIES:
            return
        bundle = self.keys.bundle()
        content = [
            Node("retry", {"count": count, "id": message_id, "t": node.get("t"), "v": "1"}),
            Node("registration", {}, bundle.registration_id.to_bytes(4, "big")),
        ]
        if count >= _KEYS_FROM_RETRY:
            content.append(Node("keys", {}, key_server.bundle_nodes(bundle)))
        attrs: dict[str, Value] = {"to": sender.lid, "id": message_id, "type": "retry"}
        for name in ("recipient", "category"):
            if name in node.attrs:
                attrs[name] = node.attrs[name]
        routing.send_receipt(self.network, self.place, Node("receipt", attrs, content))

    def _send_again(self, receipt: Node) -> None:
        """Encrypt a message anew, in a new session, for the device that could not read it."""
        device = self.network.endpoint(receipt.jid("from"))
        sent = self._sent.get(receipt.get("id"))
        retry = receipt.child("retry")
        if device is None or sent is None or int(retry.get("count", "1")) > _MAX_RETRIES:
            return
        to = self.network.account(sent.to)
        plaintext = sent.plaintext
        kind = _kind_attrs(contents.parse(contents.pad(plaintext)))
        attrs: dict[str, Value] = {"to": device.lid, "id": receipt.get("id"), **kind}
        if receipt.get("category") == "peer":
            attrs["category"] = "peer"
        elif device.account is self.account:
            plaintext = contents.sent_from_own_device(str(to.lid), plaintext)
            attrs["recipient"] = to.lid
        enc = self._encrypt(device, plaintext, fresh=True)
        enc.attrs["count"] = retry.get("count", "1")
        routing.send_message(self.network, self.place, Node("message", attrs, [enc]))
        self.network.save_phone(self.account)

    # The journal

    def _log_message(
        self,
        direction: str,
        message_id: str,
        author: Account,
        to: Account,
        device: Endpoint,
        message: Any,
    ) -> None:
        found = attachments.find(message)
        more = amendments.facts(message) | cards.facts(message) | polls.facts(message)
        if message.HasField("pollUpdateMessage"):
            more |= self._vote(message.pollUpdateMessage, author)
        if found:
            more["media"] = attachments.facts(*found)
        self.network.journal.append(
            "message",
            self.account.number,
            direction=direction,
            id=message_id,
            to=to.number,
            device=device.device,
            type=contents.kind_of(message),
            text=contents.text_of(message),
            **{"from": author.number, **more},
        )

    def _vote(self, update: Any, voter: Account) -> dict[str, Any]:
        """Return what the journal tells of a vote: its poll, and the options if it is readable."""
        poll_id = update.pollCreationMessageKey.ID
        try:
            chosen = polls.chosen_in(update, self.poll(poll_id), voter.lid)
        except (KeyError, polls.VoteError) as error:
            return {"target": poll_id, "unreadable": str(error)}
        return {"target": poll_id, "chosen": chosen}

    def _log(self, kind: str, node: Node, sender: Endpoint, **facts: Any) -> None:
        facts |= {"from": sender.account.number, "device": sender.device}
        self.network.journal.append(kind, self.account.number, id=node.get("id"), **facts)


def _kind_attrs(message: Any) -> dict[str, Value]:
    """Return the attributes of a message's stanza that tell what kind of message it is."""
    kinds = {"reaction": "reaction", "poll": "poll", "vote": "poll"}
    kind = kinds.get(contents.kind_of(message)) or ("media" if _mediatype(message) else "text")
    edit = amendments.edit_attribute(message)
    return {"type": kind, "edit": edit} if edit else {"type": kind}


def _mediatype(message: Any) -> str:
    found = attachments.find(message)
    if found:
        return FORMS[found[0].kind].mediatype
    return cards.MEDIATYPES.get(contents.kind_of(message), "")


def _kind(enc: Node) -> Kind:
    return "pkmsg" if enc.get("type") == "pkmsg" else "msg"


def _remember(memory: OrderedDict[str, Any], key: str, value: Any) -> None:
    memory[key] = value
    while len(memory) > _REMEMBERED:
        memory.popitem(last=False)
