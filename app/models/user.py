"""People, and what they sign in with."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from flask_login import UserMixin
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, Id
from app.models.encryption import EncryptedText

ADMINISTRATOR, USER = "administrator", "user"
BY_KEY, BY_TOKEN = "key", "token"
ROLES = (ADMINISTRATOR, USER)
THEMES = ("light", "dark")


class User(UserMixin, Base):
    """A person who owns instances."""

    __tablename__ = "users"

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(254), unique=True)  # lower case
    name: Mapped[str] = mapped_column(String(100), default="")
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(20), default=USER)
    language: Mapped[str | None] = mapped_column(String(5))  # None: as the browser asks
    theme: Mapped[str | None] = mapped_column(String(10))  # None: as the system asks
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    risks_understood_at: Mapped[datetime | None]
    """When they confirmed to know what gets numbers banned; asked before the first real link."""
    instance_limit: Mapped[int | None]  # None: as many as they like

    came_by = cast(str | None, None)
    """BY_KEY or BY_TOKEN while a program acts for the person; set on one object, never stored."""
    came_from = cast(str | None, None)
    """The address the person, or a program of theirs, acts from; likewise."""
    unread_notices = 0
    """As the sign-in was found; likewise."""

    @property
    def is_active(self) -> bool:
        """Whether this person may sign in."""
        return self.disabled_at is None

    @property
    def is_administrator(self) -> bool:
        """Whether this person may manage other people."""
        return self.role == ADMINISTRATOR


class ApiKey(Base):
    """A key for programs: found by its hash, shown again to its owner from the encrypted copy.

    A key that was replaced may work on for a while: `revoked_at` is then in the future.
    """

    __tablename__ = "api_keys"

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    key_encrypted: Mapped[str] = mapped_column(EncryptedText)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")


class AccessToken(Base):
    """A bearer token given by POST /api/auth/login; only its hash is kept."""

    __tablename__ = "access_tokens"

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
