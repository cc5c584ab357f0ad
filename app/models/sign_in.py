"""Browsers in which people are signed in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, Id
from app.models.user import User


class SignIn(Base):
    """One browser of one person, until it expires or is ended; the browser's cookie holds the
    token whose hash is here, so deleting the row signs it out at once."""

    __tablename__ = "sign_ins"

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    remembered: Mapped[bool]
    address: Mapped[str] = mapped_column(String(45), default="")  # IPv6 has at most 45 characters
    agent: Mapped[str] = mapped_column(String(300), default="")  # the browser's User-Agent
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="joined")
