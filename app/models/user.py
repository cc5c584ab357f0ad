"""People, and what they sign in with."""

from __future__ import annotations

from datetime import datetime

from flask_login import UserMixin
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id
from app.models.encryption import EncryptedText

ADMINISTRATOR, USER = "administrator", "user"


class User(UserMixin, Base):
    """A person who owns instances."""

    __tablename__ = "users"

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(254), unique=True)  # lower case
    name: Mapped[str] = mapped_column(String(100), default="")
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(20), default=USER)
    language: Mapped[str | None] = mapped_column(String(5))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    session_stamp: Mapped[str] = mapped_column(String(32))
    """Part of every browser session; a new one signs the person out everywhere."""

    def get_id(self) -> str:
        """What the browser session carries: the person and the stamp."""
        return f"{self.id}.{self.session_stamp}"

    @property
    def is_active(self) -> bool:
        """Whether this person may sign in."""
        return self.disabled_at is None

    @property
    def is_administrator(self) -> bool:
        """Whether this person may manage other people."""
        return self.role == ADMINISTRATOR


class ApiKey(Base):
    """A key for programs: found by its hash, shown again to its owner from the encrypted copy."""

    __tablename__ = "api_keys"

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    key_encrypted: Mapped[str] = mapped_column(EncryptedText)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AccessToken(Base):
    """A bearer token given by POST /api/auth/login; only its hash is kept."""

    __tablename__ = "access_tokens"

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SetupLink(Base):
    """A link, good for one use, that makes the first administrator."""

    __tablename__ = "setup_links"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
