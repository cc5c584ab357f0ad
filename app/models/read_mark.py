"""Messages that somebody here has read, and of which WhatsApp is still to be told so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class ReadMark(Base):
    """One message; the row goes when WhatsApp was told, by the host that holds the session."""

    __tablename__ = "read_marks"
    __table_args__ = (Index("ix_read_marks_due", "account_id", "due_at", "message_id"),)

    message_id: Mapped[str] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    account_id: Mapped[str] = mapped_column(ForeignKey("linked_accounts.id", ondelete="CASCADE"))
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
