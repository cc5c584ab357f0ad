"""A client tells that it got, read or could not read a message."""

from __future__ import annotations

from app.sandbox import routing
from app.sandbox.connection import Connection
from app.sandbox.wire.node import Node


def accept(connection: Connection, node: Node) -> None:
    """Acknowledge the receipt, settle the message it is about, and pass it on."""
    network, owner = connection.network, connection.owner
    companion = owner.companion
    if companion is None:
        return
    for message_id in routing.receipt_ids(node):
        if node.get("type") == "retry":
            companion.mailbox.ask_again(message_id)
        else:
            companion.mailbox.settle_message(message_id)
    network.save_mailbox(owner.account, companion)
    ack = Node("ack", {"class": "receipt", "id": node.get("id"), "from": node.jid("to")})
    if node.get("type"):
        ack.attrs["type"] = node.get("type")
    connection.send(ack)
    routing.send_receipt(network, owner, node)
