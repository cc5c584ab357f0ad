"""Reactions to messages: one emoji of each person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

ME = "me"
EMOJI_LENGTH = 40
"""Characters: one emoji may be put together of many."""


class Reaction(Base):
    """What one person put on one message; taken back, it is no row."""

    __tablename__ = "reactions"

    message_id: Mapped[str] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    author: Mapped[str] = mapped_column(String(24), primary_key=True)
    """ME for the account itself, else the user part of a LID, or a number's digits."""
    phone: Mapped[str | None] = mapped_column(String(20))
    lid: Mapped[str | None] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(100), default="")
    emoji: Mapped[str] = mapped_column(String(EMOJI_LENGTH))
    reacted_at: Mapped[datetime]

    @property
    def from_me(self) -> bool:
        """Whether the account itself reacted, from whichever device."""
        return self.author == ME
