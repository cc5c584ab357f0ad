"""When a message is to be sent, and until when that makes sense."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_, select

from app.clock import utcnow
from app.core.errors import Invalid
from app.core.states import MessageStatus
from app.core.texts import N_
from app.extensions import db
from app.models import Instance, Message

LATEST = timedelta(days=366)
LONGEST = 30 * 24 * 3600
"""Seconds that a message may be good for."""
_SLACK = timedelta(minutes=1)
"""So far may a clock that is set by hand be wrong."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What somebody wants: not before `send_at`, and not later than `ttl` seconds after it was
    due. None: at once, and however late."""

    send_at: datetime | None = None
    ttl: int | None = None

    def check(self) -> None:
        """Raises Invalid (send_at, ttl)."""
        now = utcnow()
        if self.send_at is not None and self.send_at < now - _SLACK:
            raise Invalid(N_("This time is past."), field="send_at", code="send_at_past")
        if self.send_at is not None and self.send_at > now + LATEST:
            raise Invalid(
                N_("A message can wait for a year at most."), field="send_at", code="send_at_far"
            )
        if self.ttl is not None and not 0 < self.ttl <= LONGEST:
            message = N_("A message is good for 1 to %(count)d seconds.")
            raise Invalid(message, field="ttl", code="bad_ttl", count=LONGEST)

    def is_later(self, now: datetime) -> bool:
        """Whether the message is not to be sent yet."""
        return self.send_at is not None and self.send_at > now

    def values(self, now: datetime) -> dict[str, datetime | None]:
        """The columns of a message that say so. Until it is sent it stands in the conversation at
        the time it is meant for."""
        due = self.send_at if self.send_at is not None and self.send_at > now else now
        return {
            "send_at": self.send_at,
            "due_at": due,
            "shown_at": due,
            "expires_at": due + timedelta(seconds=self.ttl) if self.ttl is not None else None,
        }


AT_ONCE = Timing()


def may_go(now: datetime) -> ColumnElement[bool]:
    """Of queued messages joined with their instances: those that may be sent now."""
    return and_(
        Message.status == MessageStatus.QUEUED,
        Message.due_at <= now,
        or_(Message.expires_at.is_(None), Message.expires_at > now),
        Instance.queue_paused_at.is_(None),
    )


def expired(instance_id: str | None = None, *, limit: int = 500) -> list[Message]:
    """Queued messages whose time is over, of one instance or of all."""
    query = select(Message).where(
        Message.status == MessageStatus.QUEUED, Message.expires_at <= utcnow()
    )
    if instance_id is not None:
        query = query.where(Message.instance_id == instance_id)
    return list(db.session.scalars(query.limit(limit)))
