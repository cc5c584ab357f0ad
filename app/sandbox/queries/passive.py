"""The client says it is ready for what waited (namespace "passive")."""

from __future__ import annotations

from app.sandbox.connection import Connection
from app.sandbox.wire.node import Node, Value


def after(connection: Connection, node: Node) -> None:
    """Deliver the mailbox, say that this was all, and from now on everything at once."""
    companion = connection.owner.companion
    if companion is None or node.find("active") is None:
        return
    waiting = companion.mailbox.waiting()
    if waiting:
        counts = companion.mailbox.counts()
        attrs: dict[str, Value] = {"count": len(waiting), "appdata": 0}
        attrs.update({tag: counts[tag] for tag in ("message", "receipt", "notification")})
        connection.send(Node("ib", {}, [Node("offline_preview", attrs)]))
    for stanza in waiting:
        connection.send(Node(stanza.tag, {**stanza.attrs, "offline": "0"}, stanza.content))
    connection.active = True
    connection.send(Node("ib", {}, [Node("offline", {"count": len(waiting)})]))
    if not companion.welcomed:
        companion.welcomed = True
        connection.network.save_companion(connection.owner.account, companion)
        connection.network.phones[connection.owner.account.number].welcome(companion)
