"""A client sends a message."""

from __future__ import annotations

import asyncio
import logging

from app.sandbox import routing
from app.sandbox.clock import unix_now
from app.sandbox.connection import Connection
from app.sandbox.wire.jid import LID_SERVER, USER_SERVER
from app.sandbox.wire.node import Node, StanzaError

log = logging.getLogger(__name__)
_NOBODY, _MAY_NOT = "404", "403"


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
        ack.attrs.update(_deliver(connection, node))
        network.save_companion(owner.account, companion)
    if not faults.ack_messages:
        return
    if faults.ack_delay_ms:
        delay = faults.ack_delay_ms / 1000
        asyncio.get_running_loop().call_later(delay, connection.send, ack)
    else:
        connection.send(ack)


def _deliver(connection: Connection, node: Node) -> dict[str, str]:
    """Return what the acknowledgement must tell: other devices than addressed, or an error."""
    try:
        correction = routing.send_message(connection.network, connection.owner, node)
    except StanzaError as error:
        log.warning("%s sends to nobody: %s", connection, error)
        if connection.network.groups.find(node.jid("to")):
            return {"error": _MAY_NOT}
        if node.jid("to").server not in (USER_SERVER, LID_SERVER):
            connection.network.report_unhandled(f"message to {node.jid('to').server}")
        return {"error": _NOBODY}
    return {"phash": correction} if correction else {}
