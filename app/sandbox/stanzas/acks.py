"""A client acknowledges what it was sent."""

from __future__ import annotations

from app.sandbox.connection import Connection
from app.sandbox.wire.node import Node


def settle(connection: Connection, node: Node) -> None:
    """Take the stanza out of the device's mailbox."""
    if connection.endpoint is None:
        return  # a device that is being linked has no mailbox yet
    companion = connection.owner.companion
    if companion:
        companion.mailbox.settle(node)
        connection.network.save_mailbox(connection.owner.account, companion)
