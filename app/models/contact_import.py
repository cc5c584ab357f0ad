"""Imports: WhatsApp's contacts, or those of a file, copied into the database."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id


class ImportState(StrEnum):
    """How far an import is."""

    DRAFT = "draft"  # a file was brought; nobody has said yet what is what in it
    READING = "reading"  # WhatsApp's contacts are brought up to date, or the file's rows counted
    COPYING = "copying"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"  # the file is not there any more


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
    account_id: Mapped[str | None] = mapped_column(
        ForeignKey("linked_accounts.id", ondelete="CASCADE")
    )
    """Whose contacts are copied; None where they come from a file."""
    file_name: Mapped[str] = mapped_column(String(255), default="", server_default="")
    storage_key: Mapped[str | None] = mapped_column(String(40), index=True)
    """The file, until the import is over."""
    plan: Mapped[dict[str, Any] | None]
    """How the file is to be read: see app/services/file_rows.py."""
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many rows of the file are done with."""
    state: Mapped[ImportState] = mapped_column(String(12))
    cursor: Mapped[str] = mapped_column(String(40), default="")  # the last one that was copied
    total: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0, server_default="0")
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
        return self.imported + self.unchanged + self.refused

    @property
    def is_of_file(self) -> bool:
        """Whether the contacts come from a file."""
        return self.account_id is None


class RefusedRow(Base):
    """A row of a file that is no contact, and why. Kept until the next import."""

    __tablename__ = "refused_rows"

    import_id: Mapped[str] = mapped_column(
        ForeignKey("contact_imports.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    row: Mapped[int]  # as spreadsheets count
    name: Mapped[str] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text)
    tags: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    problem: Mapped[str] = mapped_column(String(40))  # slug, see app/services/file_rows.py
