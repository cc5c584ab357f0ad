"""What clients send: one handler per kind of stanza, found by its tag."""

from __future__ import annotations

import logging
from collections.abc import Callable

from app.sandbox.connection import Connection
from app.sandbox.stanzas import acks, calls, iq, messages, presence, receipts
from app.sandbox.wire.node import Node, StanzaError

log = logging.getLogger(__name__)


def _nothing_to_do(connection: Connection, node: Node) -> None:
    """Telemetry of the client (<ib><unified_session/>) asks for no answer."""


_HANDLERS: dict[str, Callable[[Connection, Node], None]] = {
    "ack": acks.settle,
    "call": calls.accept,
    "chatstate": presence.typing,
    "ib": _nothing_to_do,
    "iq": iq.answer,
    "message": messages.accept,
    "presence": presence.change,
    "receipt": receipts.accept,
}


def handle(connection: Connection, node: Node) -> None:
    """Act on one stanza; one that nobody handles, is malformed or cannot be served is reported."""
    handler = _HANDLERS.get(node.tag)
    if handler is None:
        log.warning("unhandled stanza %s", node)
        connection.network.report_unhandled(node.tag)
        return
    try:
        handler(connection, node)
    except StanzaError as error:
        log.warning("malformed stanza %s: %s", node, error)
        connection.network.report_unhandled(f"malformed {node.tag}: {error}")
    except Exception:
        connection.network.report_unhandled(f"failed on {node.tag}")
        raise
