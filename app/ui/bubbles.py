"""A conversation as it is drawn: bubbles under the days they belong to, those of one person that
follow each other put together, and the line where the unread ones begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.clock import utcnow
from app.models import Message
from app.models.message import OUTGOING
from app.ui.presenting import day

TOGETHER = timedelta(minutes=5)
"""Messages of one person within this time are drawn as one group."""
COMMIT = timedelta(seconds=20)
"""Longer than any transaction may last (15 s): a message says when it was written to, and is seen
only once that is committed."""
KEY_OF_PAGE = "ui-"
"""Before the keys that pages give to messages: those of programs are their own."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message, and how it stands to the one before it. `static/js/conversation.js` decides the
    same when bubbles come and go."""

    message: Message
    day: str
    by: str  # who wrote it
    begins_day: bool
    joined: bool  # to the bubble before
    begins_unread: bool

    @property
    def place(self) -> str:
        """Where it stands in the conversation, as a text that sorts."""
        return f"{micros(self.message.shown_at):017d}{self.message.id}"

    @property
    def key(self) -> str | None:
        """What the page that sent it calls it."""
        key = self.message.idempotency_key or ""
        return key.removeprefix(KEY_OF_PAGE) if key.startswith(KEY_OF_PAGE) else None


def bubbles(messages: Sequence[Message], *, unread_from: str | None = None) -> list[Bubble]:
    """The messages, oldest first, as they are drawn."""
    drawn: list[Bubble] = []
    for message in messages:
        last = drawn[-1] if drawn else None
        today, by = day(message.shown_at), _author(message)
        begins_day = last is None or last.day != today
        unread = message.id == unread_from
        joined = (
            last is not None
            and not (begins_day or unread)
            and last.by == by
            and message.shown_at - last.message.shown_at < TOGETHER
        )
        drawn.append(Bubble(message, today, by, begins_day, joined, unread))
    return drawn


def _author(message: Message) -> str:
    if message.direction == OUTGOING:
        return OUTGOING
    return message.sender_lid or message.sender_phone or "in"


@dataclass(frozen=True, slots=True)
class Since:
    """From where on a page asks for news: a moment, and a message written to at that moment."""

    at: datetime
    behind: str = ""

    @classmethod
    def now(cls) -> Since:
        """For what will be read from the database next."""
        return cls(utcnow() - COMMIT)

    @classmethod
    def of(cls, text: str) -> Since:
        """What `str` made; a moment ago for anything else."""
        number, _, behind = text.partition("~")
        try:
            return cls(_EPOCH + timedelta(microseconds=int(number)), behind)
        except (ValueError, OverflowError):
            return cls.now()

    def __str__(self) -> str:
        return f"{micros(self.at)}~{self.behind}"


def micros(at: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)
