"""What was counted: by hour, day and month of UTC, so that any stretch of time is a few rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from app.core.usage import COUNTERS, RECEIVED, SENT
from app.models.base import Base, Id, UtcDateTime

NO_INSTANCE = ""
"""In place of an instance's id: what the person did that is of none."""


def _owner() -> Column[str]:
    key = ForeignKey("users.id", ondelete="CASCADE")
    return Column("owner_id", String(40), key, primary_key=True)


def _counter(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


USAGE = Table(
    "usage",
    Base.metadata,
    _owner(),
    Column("grain", String(5), primary_key=True),
    Column("start", UtcDateTime, primary_key=True),
    Column("instance_id", String(40), primary_key=True),
    *map(_counter, COUNTERS),
    sqlite_with_rowid=False,
)
"""Written by services.counting alone. No foreign key leads to the instance: what was counted stays
with its owner when an instance is deleted."""

CHAT_USAGE = Table(
    "chat_usage",
    Base.metadata,
    _owner(),
    Column("grain", String(5), primary_key=True),
    Column("start", UtcDateTime, primary_key=True),
    Column("chat_id", String(40), ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True),
    Column("instance_id", String(40), nullable=False),
    *map(_counter, (SENT, RECEIVED)),
    Index("ix_chat_usage_chat", "chat_id"),
    sqlite_with_rowid=False,
)
"""How much was written in each chat, by day and month; it goes with the chat."""


class FormerInstance(Base):
    """What an instance was called that was deleted: what it did is still counted."""

    __tablename__ = "former_instances"

    id: Mapped[Id]
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    deleted_at: Mapped[datetime]


class CountedBatch(Base):
    """A batch of calls out of Redis that was counted: not to be counted once more."""

    __tablename__ = "counted_batches"

    id: Mapped[Id]
    counted_at: Mapped[datetime]
