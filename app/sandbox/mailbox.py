"""What waits for a linked device: every stanza stays until the device has settled it.

Source: a message is settled by any receipt or ack with its id, everything else by its ack.
"""

from __future__ import annotations

from collections import Counter

from app.sandbox.wire import codec
from app.sandbox.wire.node import Node

_Key = tuple[str, ...]


class Mailbox:
    """Stanzas in the order they came, each kept under what will settle it."""

    def __init__(self) -> None:
        self._waiting: dict[_Key, Node] = {}
        self._asked_again: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, node: Node) -> None:
        """Keep `node` until it is settled; a resent message takes the place of its first copy."""
        key = _key(node.tag, node.get("id"), node.get("from"), node)
        self._waiting.pop(key, None)
        self._waiting[key] = node

    def waiting(self) -> list[Node]:
        """Every stanza not yet settled, oldest first."""
        return list(self._waiting.values())

    def counts(self) -> Counter[str]:
        """How many stanzas wait, by tag."""
        return Counter(node.tag for node in self._waiting.values())

    def settle_message(self, message_id: str) -> None:
        """Forget a message the device has sent a receipt for."""
        self._waiting.pop(("message", message_id), None)

    def ask_again(self, message_id: str) -> None:
        """Forget a message the device could not read; its ack to come is not for the resend."""
        self.settle_message(message_id)
        self._asked_again.add(message_id)

    def settle(self, ack: Node) -> None:
        """Forget the stanza that `ack` names."""
        tag, stanza_id = ack.get("class"), ack.get("id")
        if tag == "message" and stanza_id in self._asked_again:
            self._asked_again.discard(stanza_id)
            return
        self._waiting.pop(_key(tag, stanza_id, ack.get("to"), ack), None)

    def dump(self) -> list[str]:
        """Return the waiting stanzas, JSON-able."""
        return [codec.pack(node).hex() for node in self._waiting.values()]

    @classmethod
    def load(cls, data: list[str]) -> Mailbox:
        """Return the mailbox `dump` described."""
        mailbox = cls()
        for packed in data:
            mailbox.add(codec.unpack(bytes.fromhex(packed)))
        return mailbox


def _key(tag: str, stanza_id: str, sender: str, node: Node) -> _Key:
    """One message id gives one message, but a receipt per sender, in a group per member, and
    kind."""
    if tag == "receipt":
        return tag, stanza_id, sender, node.get("participant"), node.get("type")
    return tag, stanza_id
