"""Webhook events: their names and the exact body that a receiver gets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Event(StrEnum):
    """What an endpoint can be told of (the names of the specification)."""

    MESSAGE_RECEIVED = "message_received"
    MESSAGE_SENT = "message_sent"
    MESSAGE_STATUS = "message_status"


def iso(moment: datetime) -> str:
    """`moment` in ISO 8601 with milliseconds, in UTC, as in every payload."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def body_of(event: Event, data: dict[str, Any], *, instance_id: str, now: datetime) -> bytes:
    """The bytes to sign and send: the specification's three fields, and instanceId beside them."""
    document = {
        "event": event.value,
        "instanceId": instance_id,
        "data": {"instanceId": instance_id, **data},
        "timestamp": iso(now),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
