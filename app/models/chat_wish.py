"""How somebody here wants a chat to be kept on the phone, and what the phone has said itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from app.clock import utcnow
from app.models.base import Base, Id


class ChatWish(Base):
    """One aspect of a chat that the phone is still to be told. A newer wish takes the place of the
    row, under another id; the row goes when WhatsApp has taken it."""

    __tablename__ = "chat_wishes"
    __table_args__ = (
        UniqueConstraint("chat_id", "aspect"),
        Index("ix_chat_wishes_due", "account_id", "due_at", "id"),
    )

    id: Mapped[Id]
    chat_id: Mapped[str] = mapped_column(ForeignKey("chats.id", ondelete="CASCADE"))
    account_id: Mapped[str] = mapped_column(ForeignKey("linked_accounts.id", ondelete="CASCADE"))
    aspect: Mapped[str] = mapped_column(String(10))  # of core.chat_settings
    wanted: Mapped[bool]
    until: Mapped[datetime | None]
    """Of a chat that is to be muted."""
    due_at: Mapped[datetime | None]
    """None: it was refused, and is not told any more."""
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    failure: Mapped[str | None] = mapped_column(String(60))


class PhoneSettings(Base):
    """What was heard last of how the phone keeps a chat: what differs from it is news. A person's
    chat may be named by number and by LID; each name has a row, and the one changed last counts."""

    __tablename__ = "phone_settings"

    chat_id: Mapped[str] = mapped_column(
        ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True
    )
    jid: Mapped[str] = mapped_column(String(60), primary_key=True)
    archived: Mapped[bool] = mapped_column(default=False, server_default=false())
    pinned: Mapped[bool] = mapped_column(default=False, server_default=false())
    muted_until: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)
