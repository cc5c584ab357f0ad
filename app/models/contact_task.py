"""Acts on many contacts at once, done in the background: tagged, untagged, deleted."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id


class TaskState(StrEnum):
    """How far an act is."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class TaskAct(StrEnum):
    """What is done to each contact."""

    TAG = "tag"
    UNTAG = "untag"
    DELETE = "delete"


_IS_RUNNING = text("state = 'running'")


class ContactTask(Base):
    """One act on all contacts that a search found when it was begun. Each batch moves cursor and
    counts in the transaction that does it, so that whoever goes on after a crash neither misses nor
    counts anybody twice."""

    __tablename__ = "contact_tasks"
    __table_args__ = (
        Index(
            "uq_contact_tasks_running",
            "instance_id",
            unique=True,
            sqlite_where=_IS_RUNNING,
            postgresql_where=_IS_RUNNING,
        ),
        Index("ix_contact_tasks_instance", "instance_id", "id"),
    )

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    act: Mapped[TaskAct] = mapped_column(String(10))
    tag: Mapped[str] = mapped_column(String(30), default="")
    search: Mapped[str] = mapped_column(String(100), default="")  # as it was typed
    state: Mapped[TaskState] = mapped_column(String(12), default=TaskState.RUNNING)
    cursor: Mapped[str] = mapped_column(String(40), default="")  # the last contact that is done
    last: Mapped[str] = mapped_column(String(40))
    """The last contact that there was at the beginning: whoever is added later is not meant."""
    total: Mapped[int] = mapped_column(default=0)
    seen: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]  # when it last got on
    finished_at: Mapped[datetime | None]

    @property
    def is_running(self) -> bool:
        """Whether it is not over yet."""
        return self.state == TaskState.RUNNING
