"""A client sends a message."""

from __future__ import annotations

import asyncio

from app.sandbox import routing
from app.sandbox.clock import unix_now
from app.sandbox.connection import Connection
from app.sandbox.wire.node import Node


def accept(connection: Connection, node: Node) -> None:
    """Deliver a message and acknowledge it, as far as the faults in force allow.

    A message sent again under the same id (the client does so when the connection ended before
    the acknowledgement) is acknowledged but not delivered twice.
    """
    network, owner = connection.network, connection.owner
    companion = owner.companion
    faults = network.faults.of(owner.account.number)
    if companion is None or faults.lose_messages:
        return
    ack = Node(
        "ack",
        {"class": "message", "id": node.get("id"), "from": node.jid("to"), "t": unix_now()},
    )
    resend = node.get("device_fanout") == "false"
    if resend or companion.first_time(node.get("id")):
        correction = routing.send_message(network, owner, node)
        network.save_companion(owner.account, companion)
        if correction:
            ack.attrs["phash"] = correction
    if not faults.ack_messages:
        return
    if faults.ack_delay_ms:
        delay = faults.ack_delay_ms / 1000
        asyncio.get_running_loop().call_later(delay, connection.send, ack)
    else:
        connection.send(ack)
