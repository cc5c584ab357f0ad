"""Webhook events: their names and the exact body that a receiver gets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from app.core.states import InstanceState


class Event(StrEnum):
    """What an endpoint can be told of (the names of the specification)."""

    MESSAGE_RECEIVED = "message_received"
    MESSAGE_SENT = "message_sent"
    MESSAGE_STATUS = "message_status"
    MESSAGE_FAILED = "message_failed"
    MESSAGE_UNCONFIRMED = "message_unconfirmed"
    MESSAGE_EDITED = "message_edited"
    MESSAGE_DELETED = "message_deleted"
    MESSAGE_REACTION = "message_reaction"
    GROUP_UPDATED = "group_updated"
    POLL_VOTE = "poll_vote"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    LOGGED_OUT = "logged_out"
    QR_RECEIVED = "qr_received"
    CALL_RECEIVED = "call_received"
    CONTACTS_IMPORTED = "contacts_imported"
    WEBHOOK_DISABLED = "webhook_disabled"
    NOTICE_RAISED = "notice_raised"
    NOTICE_RESOLVED = "notice_resolved"
    LIMIT_EXCEEDED = "limit_exceeded"  # told of a person, not of an instance
    TEST = "test"  # sent when a person asks for it, and chosen by nobody


FETCHED = frozenset(Event) - {Event.LIMIT_EXCEEDED, Event.TEST}
"""What a program that fetches the events of an instance can get."""


class Subscription(StrEnum):
    """What an endpoint can choose to be told of.

    The delivered and the read status are two switches of the specification but one event, so
    message_status is chosen by the status; what becomes of the connection is one switch for three
    events, notices that come and go are one for two; every other event is chosen by its own name.
    """

    RECEIVED = "message_received"
    SENT = "message_sent"
    DELIVERY = "message_status:delivered"
    READ = "message_status:read"
    FAILED = "message_failed"
    UNCONFIRMED = "message_unconfirmed"
    EDITED = "message_edited"
    DELETED = "message_deleted"
    REACTION = "message_reaction"
    GROUPS = "group_updated"
    VOTE = "poll_vote"
    CONNECTION = "connection"
    QR_CODES = "qr_received"
    CALLS = "call_received"
    CONTACTS = "contacts_imported"
    WEBHOOKS = "webhook_disabled"
    LIMITS = "limit_exceeded"
    NOTICES = "notices"


_RUNNING = {InstanceState.CONNECTING, InstanceState.CONNECTED, InstanceState.DISCONNECTED}
_OF_NOTICES = {Event.NOTICE_RAISED, Event.NOTICE_RESOLVED}
_OF_CONNECTION = {Event.CONNECTED, Event.DISCONNECTED, Event.LOGGED_OUT}


def connection_event(seen: InstanceState, to: InstanceState) -> Event | None:
    """The event that an instance's move from one state to another is; None where it is none."""
    if to is InstanceState.CONNECTED:
        return Event.CONNECTED
    if to is InstanceState.LOGGED_OUT:
        return Event.LOGGED_OUT
    if to is InstanceState.DISCONNECTED:
        return Event.DISCONNECTED if seen is InstanceState.CONNECTED else None
    ended = to in {InstanceState.FAILED, InstanceState.STOPPED} and seen in _RUNNING
    return Event.DISCONNECTED if ended else None


def subscription_for(event: Event, data: dict[str, Any]) -> str:
    """What an endpoint must have chosen to be told of `event` with this `data`.

    A voice message that was listened to ("played") was read.
    """
    if event in _OF_CONNECTION:
        return Subscription.CONNECTION
    if event in _OF_NOTICES:
        return Subscription.NOTICES
    if event is not Event.MESSAGE_STATUS:
        return event.value
    return Subscription.DELIVERY if data["status"] == "delivered" else Subscription.READ


def iso(moment: datetime) -> str:
    """`moment` in ISO 8601 with milliseconds, in UTC, as in every payload."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def body_of(event: Event, data: dict[str, Any], *, instance_id: str | None, now: datetime) -> bytes:
    """The bytes to sign and send: the specification's three fields, and instanceId beside them."""
    document = {
        "event": event.value,
        "instanceId": instance_id,
        "data": {"instanceId": instance_id, **data},
        "timestamp": iso(now),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
