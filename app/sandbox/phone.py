"""An account's phone: device 0, with real Signal sessions, simulated in this process.

It decrypts what it is sent, writes it into the journal, sends the receipts a real phone sends, asks
again for what it cannot read, and answers such requests.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.sandbox import (
    amendments,
    behaviors,
    cards,
    contents,
    key_server,
    past,
    peers,
    polls,
    retries,
    routing,
)
from app.sandbox.behaviors import Heard
from app.sandbox.groups import talk
from app.sandbox.groups.group import Group
from app.sandbox.kinds import kind_attrs, mediatype_of
from app.sandbox.media import album, attachments
from app.sandbox.media.attachments import Attachment, Place
from app.sandbox.media.crypto import MediaError
from app.sandbox.past import PastChat
from app.sandbox.signal.sender_keys import SenderKeys
from app.sandbox.signal.session import Kind, OldCounter, SignalError
from app.sandbox.wire.jid import JID
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import PHONE, Account, Companion, Endpoint

if TYPE_CHECKING:
    from app.sandbox.network import Network

_REMEMBERED = 2000


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
        self.sender_keys = SenderKeys.load(memory.get("sender_keys", {}))
        self.peer_keys: dict[str, Any] = memory.get("peer_keys", {})
        self.sent: OrderedDict[str, Sent] = OrderedDict(
            (i, Sent(to, bytes.fromhex(body))) for i, to, body in memory.get("sent", [])
        )
        self._opened: OrderedDict[str, None] = OrderedDict.fromkeys(memory.get("opened", []))
        self._unread: dict[str, str] = memory.get("unread", {})
        self.past: Sequence[PastChat] = ()
        self.asked_again: dict[str, int] = {}  # how often, by message id

    def dump(self) -> dict[str, Any]:
        """Return the keys, sessions and memory, JSON-able."""
        return {
            "keys": self.keys.dump(),
            "peer_keys": self.peer_keys,
            "sender_keys": self.sender_keys.dump(),
            "sent": [[i, sent.to, sent.plaintext.hex()] for i, sent in self.sent.items()],
            "opened": list(self._opened),
            "unread": self._unread,
        }

    # Sending

    def send_text(self, to: Account | Group, text: str) -> str:
        """Write `text` to another account or to a group; returns the message's id."""
        return self.send(to, contents.text_message(text))

    def send(self, to: Account | Group, plaintext: bytes) -> str:
        """Send a message to all devices of an account, or of a group, and the own ones; returns
        its id.

        What may be seen once only goes to phones; linked devices hear that there is something.
        """
        message_id = "3A" + secrets.token_hex(9).upper()
        message = contents.parse(contents.pad(plaintext))
        _remember(self.sent, message_id, Sent(_name(to), plaintext))
        self._log_message("sent", message_id, self.account, to, self.place, message)
        attrs: dict[str, Value] = {"id": message_id, **kind_attrs(message)}
        if isinstance(to, Group):
            node = talk.message(self, to, plaintext, attrs, mediatype_of(message))
        else:
            node = self._to_person(to, plaintext, message, attrs)
        routing.send_message(self.network, self.place, node)
        self.network.save_phone(self.account)
        return message_id

    def _to_person(
        self, to: Account, plaintext: bytes, message: Any, attrs: dict[str, Value]
    ) -> Node:
        copies = {Endpoint(to, device): plaintext for device in to.devices}
        own = contents.sent_from_own_device(str(to.lid), plaintext)
        copies.update({Endpoint(self.account, device): own for device in self.account.companions})
        copies.pop(self.place, None)
        once = contents.is_view_once(message)
        entries = [
            Node("to", {"jid": endpoint.lid}, [self._copy(endpoint, body, message, once)])
            for endpoint, body in copies.items()
        ]
        return Node("message", {"to": to.lid, **attrs}, [Node("participants", {}, entries)])

    def send_peer(self, device: int, plaintext: bytes) -> None:
        """Write a message that is not for people to one of the own companions."""
        to = Endpoint(self.account, device)
        message_id = "3A" + secrets.token_hex(9).upper()
        _remember(self.sent, message_id, Sent(self.account.number, plaintext))
        attrs: dict[str, Value] = {
            "to": to.lid,
            "id": message_id,
            "type": "text",
            "category": "peer",
        }
        node = Node("message", attrs, [self.encrypt(to, plaintext)])
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
            if JID.parse(sender.split()[0]).bare == author.lid
            and (ids is None or message_id in ids)
        ]
        by_sender: dict[str, list[str]] = {}
        for message_id in wanted:
            by_sender.setdefault(self._unread.pop(message_id), []).append(message_id)
        for sender, read_ids in by_sender.items():
            device, *group = map(JID.parse, sender.split())
            if group:
                self.send_receipt(group[0], read_ids, "read", participant=device.bare)
            else:
                self.send_receipt(device, read_ids, "read")
        self.network.save_phone(self.account)
        return wanted

    def _copy(self, to: Endpoint, body: bytes, message: Any, once: bool) -> Node:
        if once and to.device != PHONE:
            return Node("unavailable", {"type": "view_once"})
        enc = self.encrypt(to, body)
        mediatype = mediatype_of(message)
        if mediatype:
            enc.attrs["mediatype"] = mediatype
        return enc

    def play(self, author: Account, message_id: str) -> None:
        """Tell `author` that a voice note was listened to; raises KeyError when it never came."""
        entry = self.find(message_id)
        device = author.lid.on_device(entry["device"])
        group = self.network.groups.find(JID.parse(entry["to"]))
        if group is None:
            self.send_receipt(device, [message_id], "played")
        else:
            self.send_receipt(group.jid, [message_id], "played", participant=device.bare)

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

    def encrypt(self, to: Endpoint, plaintext: bytes, fresh: bool = False) -> Node:
        """Return `plaintext` for one device, in a new session if it is to be `fresh`."""
        if fresh or not self.keys.has_session(to.address):
            self.keys.start(to.address, key_server.bundle_of(self.network, to))
        kind, ciphertext = self.keys.encrypt(to.address, contents.pad(plaintext))
        return Node("enc", {"v": "2", "type": kind}, ciphertext)

    def welcome(self, companion: Companion) -> None:
        """Give a companion that has just been linked the key of the account's app state, and tell
        it of the past."""
        self.send_peer(companion.number, peers.key_share(self.account))
        for order, chunk in enumerate(past.chunks(self.network, self.account, self.past), start=1):
            told = past.notification(self.network, self.account, chunk, order)
            self.send_peer(companion.number, told)

    # Receiving

    def receive(self, node: Node) -> None:
        """Take in one stanza. Notifications, presence and typing mean nothing to this phone."""
        if node.tag == "message":
            self._receive_message(node)
        elif node.tag == "receipt" and node.get("type") == "retry":
            retries.send_again(self, node)

    def _receive_message(self, node: Node) -> None:
        sender = self.network.endpoint(node.find_jid("participant") or node.jid("from"))
        if sender is None:
            return
        for enc in node.named("enc"):
            try:
                message = contents.parse(self._decrypt(node, sender, enc))
                talk.learn_key(self, sender, message)
                if talk.is_only_a_key(message):
                    continue
            except OldCounter:
                self._old_counter(node, sender)
            except (SignalError, contents.ContentError) as error:
                retries.ask_again(self, node, sender, error)
            else:
                _remember(self._opened, node.get("id"), None)
                self._take(node, sender, message)
        self.network.save_phone(self.account)

    def _decrypt(self, node: Node, sender: Endpoint, enc: Node) -> bytes:
        if enc.get("type") == "skmsg":
            return self.sender_keys.decrypt(str(node.jid("from")), sender.address, enc.data)
        return self.keys.decrypt(sender.address, _kind(enc), enc.data)

    def _old_counter(self, node: Node, sender: Endpoint) -> None:
        """Tell a second copy of a message that was read from one whose key was used before."""
        if node.get("id") in self._opened:
            self.log("duplicate", node, sender)
            self._acknowledge(node, sender)
        else:
            retries.ask_again(self, node, sender, OldCounter("old counter"))

    def _take(self, node: Node, sender: Endpoint, message: Any) -> None:
        message_id = node.get("id")
        if node.get("category") == "peer":
            peers.receive(self, sender, message)
            return
        group = self.network.groups.find(node.jid("from"))
        to = group or self.account
        if sender.account is self.account:
            inner = message if group else message.deviceSentMessage.message
            to = group or self.network.find(node.jid("recipient")) or self.account
            self._log_message("sent", message_id, self.account, to, sender, inner)
            self._acknowledge(node, sender)
            return
        self._log_message("received", message_id, sender.account, to, sender, message)
        self._acknowledge(node, sender)
        if contents.kind_of(message) in amendments.KINDS:
            return
        self._unread[message_id] = f"{sender.lid} {group.jid}" if group else str(sender.lid)
        found = attachments.find(message)
        if found:
            self.network.start(self._collect(sender, message_id, *found, answer=not group))
        elif not group:
            behaviors.react(self, sender, message_id, Heard(contents.text_of(message)))

    async def _collect(
        self,
        sender: Endpoint,
        message_id: str,
        attachment: Attachment,
        place: Place,
        *,
        answer: bool,
    ) -> None:
        """Download what a message brought, write down what came of it, and react, but for in
        groups: there contacts only listen."""
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
        if answer:
            behaviors.react(self, sender, message_id, Heard(attachment.caption, attachment, file))

    def _acknowledge(self, node: Node, sender: Endpoint) -> None:
        if node.get("category") == "peer":
            self.send_receipt(sender.lid, [node.get("id")], "peer_msg")
        elif self.network.faults.of(self.account.number).withhold_receipts:
            return
        elif self.network.groups.find(node.jid("from")):
            kind = "sender" if sender.account is self.account else ""
            ids = [node.get("id")]
            self.send_receipt(node.jid("from"), ids, kind, participant=sender.lid)
        elif sender.account is self.account:
            recipient = node.jid("recipient")
            self.send_receipt(sender.lid, [node.get("id")], "sender", recipient=recipient)
        else:
            self.send_receipt(sender.lid, [node.get("id")])

    # The journal

    def _log_message(
        self,
        direction: str,
        message_id: str,
        author: Account,
        to: Account | Group,
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
            to=_name(to),
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

    def log(self, kind: str, node: Node, sender: Endpoint, **facts: Any) -> None:
        """Write down what came of a stanza."""
        facts |= {"from": sender.account.number, "device": sender.device}
        self.network.journal.append(kind, self.account.number, id=node.get("id"), **facts)


def _name(to: Account | Group) -> str:
    """How the journal calls who is written to: a number, or a group's address."""
    return str(to.jid) if isinstance(to, Group) else to.number


def _kind(enc: Node) -> Kind:
    return "pkmsg" if enc.get("type") == "pkmsg" else "msg"


def _remember(memory: OrderedDict[str, Any], key: str, value: Any) -> None:
    memory[key] = value
    while len(memory) > _REMEMBERED:
        memory.popitem(last=False)
