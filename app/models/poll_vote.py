"""Votes in polls: the choice of each person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.reaction import ME


class PollVote(Base):
    """What one person has chosen in one poll. Who has taken the vote back has chosen nothing: the
    row stays, so that an older vote that comes late is known as such."""

    __tablename__ = "poll_votes"

    message_id: Mapped[str] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True
    )
    author: Mapped[str] = mapped_column(String(24), primary_key=True)
    """ME for the account itself, else the user part of a LID, or a number's digits."""
    phone: Mapped[str | None] = mapped_column(String(20))
    lid: Mapped[str | None] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(100), default="")
    chosen: Mapped[list[str]] = mapped_column(JSON)
    """The options, as the poll has them and in its order."""
    voted_at: Mapped[datetime]
    """By the clock of who voted: of two votes the newer one counts, whichever comes first."""

    @property
    def from_me(self) -> bool:
        """Whether the account itself voted, from whichever device."""
        return self.author == ME
