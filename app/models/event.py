"""Events as they are kept for who fetches them instead of being told by a webhook."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id


class EventFeed(Base):
    """That the events of an instance are kept, because somebody fetches them."""

    __tablename__ = "event_feeds"

    instance_id: Mapped[str] = mapped_column(
        ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True
    )
    wanted_until: Mapped[datetime]  # nothing is kept any more from then on
    oldest: Mapped[str] = mapped_column(String(40))
    """The oldest cursor that works: all events behind it are there."""
    newest: Mapped[str] = mapped_column(String(40))
    """The newest cursor: the id of the last event that was kept, or where the feed began."""


class KeptEvent(Base):
    """One event of a feed. Its id is its place: of one instance a later commit has a higher one."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_feed", "instance_id", "id"),)

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(
        ForeignKey("event_feeds.instance_id", ondelete="CASCADE")
    )
    event: Mapped[str] = mapped_column(String(40))
    body: Mapped[bytes] = mapped_column(LargeBinary)  # as a webhook gets it
    created_at: Mapped[datetime]
