"""What the monitoring is told of, where it happens: docs/monitoring.md has the names."""

from __future__ import annotations

from app import meter
from app.core.details import CONTACTS, LIVE_LOCATION, LOCATION, POLL
from app.core.media import MediaKind
from app.core.states import InstanceState, MessageStatus
from app.models import Message
from app.models.message import AMENDMENTS, TEXT

MESSAGES = "messages"
RECONNECTS, DISCONNECTIONS = "reconnects", "disconnections"
ATTEMPTS = "delivery_attempts"
REQUESTS = "requests"

KINDS = frozenset({TEXT, LOCATION, LIVE_LOCATION, CONTACTS, POLL, *MediaKind, *AMENDMENTS})
OTHER = "other"
_ON_THE_WAY = {MessageStatus.QUEUED, MessageStatus.SENDING}


def came_to(message: Message, status: MessageStatus) -> None:
    """A message has come to `status`; waiting and being sent count nothing."""
    if status not in _ON_THE_WAY:
        kind = message.kind if message.kind in KINDS else OTHER
        meter.count(MESSAGES, message.direction, kind, status.value)


def cancelled(kind: str, number: int) -> None:
    """So many messages of `kind` were taken out of a queue at once."""
    status = MessageStatus.CANCELLED.value
    meter.count(MESSAGES, "out", kind if kind in KINDS else OTHER, status, by=number)


def moved(
    seen: InstanceState, to: InstanceState, *, reason: str | None, was_in_trouble: bool
) -> None:
    """An instance has moved: away from a connection, or back to one after trouble."""
    if seen is InstanceState.CONNECTED:
        meter.count(DISCONNECTIONS, reason or "intended")
    elif to is InstanceState.CONNECTED and was_in_trouble:
        meter.count(RECONNECTS)


def tried(duration_ms: int, result: str) -> None:
    """A try to deliver to a webhook was made."""
    meter.took(ATTEMPTS, duration_ms / 1000, result)
