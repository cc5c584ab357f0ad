"""How an account keeps its chats, as WhatsApp shares it between the account's devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

ALWAYS = datetime(2999, 1, 1, tzinfo=UTC)
"""A chat that is muted until then is muted for good."""


class Aspect(StrEnum):
    """One thing about how a chat is kept; each is told and changed by itself."""

    ARCHIVED = "archived"
    PINNED = "pinned"
    MUTED = "muted"
    UNREAD = "unread"
    """Marked so. The engine does not tell when a phone changes it."""


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """What the devices of an account share about a chat (a JID)."""

    jid: str
    archived: bool = False
    pinned: bool = False
    muted_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The newest message of a chat: WhatsApp's id, when it was sent, and in a group the JID of who
    wrote it, if it was not the account itself."""

    id: str
    from_me: bool
    at: datetime
    author: str | None = None
