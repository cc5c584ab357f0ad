"""Conversations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id

PERSON, GROUP = "person", "group"


class Chat(Base):
    """A conversation of one account. A person is one chat, whether WhatsApp names them by number
    or by LID: both are kept, either may be unknown yet."""

    __tablename__ = "chats"
    __table_args__ = (
        UniqueConstraint("account_id", "lid"),
        UniqueConstraint("account_id", "phone"),
        UniqueConstraint("account_id", "group_id"),
        Index("ix_chats_account_last", "account_id", "last_at"),
    )

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(
        ForeignKey("instances.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[str] = mapped_column(ForeignKey("linked_accounts.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10), default=PERSON)
    lid: Mapped[str | None] = mapped_column(String(20))  # user parts, without the server
    phone: Mapped[str | None] = mapped_column(String(20))
    group_id: Mapped[str | None] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(100), default="")  # what the person calls themselves
    last_at: Mapped[datetime]
    last_text: Mapped[str] = mapped_column(String(200), default="")
    unread: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]

    @property
    def jid(self) -> str:
        """The address shown outside: by number where known, else by LID."""
        if self.group_id:
            return f"{self.group_id}@g.us"
        return f"{self.phone}@s.whatsapp.net" if self.phone else f"{self.lid}@lid"
