"""What is of use for a moment only: that somebody is typing, or looks at a chat."""

from __future__ import annotations

from enum import StrEnum


class Composing(StrEnum):
    """What somebody does in a chat."""

    TEXT = "text"
    AUDIO = "audio"


class Signal(StrEnum):
    """What a session is told about a chat. Nobody keeps it: one that is lost is no loss."""

    COMPOSING = "composing"
    PAUSED = "paused"
    FOLLOW = "follow"
    """Somebody looks at the chat: WhatsApp is to tell when the person types."""
