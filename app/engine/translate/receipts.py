"""Receipts: what devices say about messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from app.engine.events import Event, ReceiptKind, ReceiptReceived
from app.engine.raw import RawEvent
from app.engine.translate.sources import chat_of, sender_of

# neonize reports PLAYED_SELF as SERVER_ERROR (its utils/encoder.go), and has no name for true
# server errors. What is left out concerns only an account's own devices.
_KINDS = {
    "DELIVERED": ReceiptKind.DELIVERED,
    "INACTIVE": ReceiptKind.INACTIVE,
    "READ": ReceiptKind.READ,
    "PLAYED": ReceiptKind.PLAYED,
    "READ_SELF": ReceiptKind.READ_SELF,
    "PLAYED_SELF": ReceiptKind.PLAYED_SELF,
    "SERVER_ERROR": ReceiptKind.PLAYED_SELF,
    "SENDER": ReceiptKind.SENDER,
    "RETRY": ReceiptKind.RETRY,
}


def _receipt(message: Any, raw: RawEvent) -> list[Event]:
    enum = message.DESCRIPTOR.fields_by_name["Type"].enum_type
    kind = _KINDS.get(enum.values_by_number[message.Type].name)
    if kind is None or not message.MessageIDs:
        return []
    source = message.MessageSource
    timestamp = datetime.fromtimestamp(message.Timestamp, UTC)
    ids = tuple(message.MessageIDs)
    return [ReceiptReceived(kind, ids, chat_of(source), sender_of(source), timestamp)]


TRANSLATORS: dict[str, Callable[[Any, RawEvent], list[Event]]] = {"Receipt": _receipt}
