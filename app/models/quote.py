"""What a message answers: an earlier message of its chat, as it was then."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

EXCERPT = 300
"""Characters of a quoted text that are kept; WhatsApp shows three lines of it."""


class Quote(Base):
    """The quoted part of one message. It is kept with the answer: the earlier message may be
    older than what is known here, or gone."""

    __tablename__ = "quotes"

    message_id: Mapped[str] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    wa_id: Mapped[str] = mapped_column(String(64))
    original_id: Mapped[str | None] = mapped_column(
        ForeignKey("messages.id", ondelete="SET NULL"), index=True
    )
    """The quoted message, where it is stored."""
    from_me: Mapped[bool]
    author_lid: Mapped[str | None] = mapped_column(String(20))
    author_phone: Mapped[str | None] = mapped_column(String(20))
    author_name: Mapped[str] = mapped_column(String(100), default="")
    kind: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(String(EXCERPT), default="")
