"""Imports: WhatsApp's contacts copied into the database."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id


class ImportState(StrEnum):
    """How far an import is."""

    READING = "reading"  # the session's host brings WhatsApp's contacts up to date first
    COPYING = "copying"
    DONE = "done"
    CANCELLED = "cancelled"


RUNNING = (ImportState.READING, ImportState.COPYING)
_IS_RUNNING = text("state IN ('reading', 'copying')")


class ContactImport(Base):
    """One import. Each batch moves cursor and counts in the transaction that copies it, so that
    whoever goes on after a crash neither misses nor counts anybody twice."""

    __tablename__ = "contact_imports"
    __table_args__ = (
        Index(
            "uq_contact_imports_running",
            "instance_id",
            unique=True,
            sqlite_where=_IS_RUNNING,
            postgresql_where=_IS_RUNNING,
        ),
        Index("ix_contact_imports_instance", "instance_id", "id"),
    )

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    account_id: Mapped[str] = mapped_column(ForeignKey("linked_accounts.id", ondelete="CASCADE"))
    state: Mapped[ImportState] = mapped_column(String(12))
    cursor: Mapped[str] = mapped_column(String(40), default="")  # the last one that was copied
    total: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]  # when it last got on
    finished_at: Mapped[datetime | None]

    @property
    def is_running(self) -> bool:
        """Whether it is not over yet."""
        return self.state in RUNNING

    @property
    def imported(self) -> int:
        """How many contacts are in the database by it: new ones, and those with news."""
        return self.added + self.updated

    @property
    def seen(self) -> int:
        """How many of the total were looked at."""
        return self.imported + self.unchanged
