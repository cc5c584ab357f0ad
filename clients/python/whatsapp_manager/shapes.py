"""What the API answers: the fields that programs use most. There are more, see docs/api.md."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Status = Literal[
    "queued",
    "sending",
    "sent",
    "delivered",
    "read",
    "played",
    "failed",
    "unconfirmed",
    "cancelled",
    "expired",
    "received",
]


class Instance(TypedDict):
    """A WhatsApp account, or the place for one."""

    id: str
    name: str
    description: str
    state: str
    reason: dict[str, str] | None
    phone: str | None
    webhookUrl: str | None


class Message(TypedDict):
    """One message of one chat."""

    id: str
    instanceId: str
    chatId: str
    direction: Literal["in", "out", "sys"]
    type: str
    body: str
    media: dict[str, Any] | None
    status: Status
    failure: str | None
    createdAt: str


class Chat(TypedDict):
    """A conversation."""

    id: str
    name: str
    isGroup: bool
    unread: int
    lastText: str


class Contact(TypedDict):
    """A person."""

    id: str
    source: Literal["whatsapp", "database"]
    name: str
    phone: str | None
    chatId: str


class CheckedNumber(TypedDict):
    """What WhatsApp says of a number."""

    phone: str
    exists: bool | None
    chatId: str
    lid: str | None


class PhoneCode(TypedDict):
    """What is typed on the phone to link it."""

    code: str
    expiresAt: str | None


class BatchResult(TypedDict):
    """What became of one message of a batch."""

    status: int
    message: Message | None
    problem: dict[str, Any] | None


class EventBody(TypedDict):
    """What a webhook is sent."""

    event: str
    instanceId: str
    data: dict[str, Any]
    timestamp: str


class Event(TypedDict):
    """Something that happened; `id` is the cursor behind it."""

    id: str
    body: EventBody
