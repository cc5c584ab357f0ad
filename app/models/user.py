"""People, and what they sign in with."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from flask_login import UserMixin
from sqlalchemy import JSON, ForeignKey, String, true
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
    reach = cast(frozenset[str] | None, None)
    """Ids of the only instances that are there for the program that acts for the person; None: all
    of them. Set on one object, never stored."""
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
    """A key for programs, found by its hash.

    The personal key (`scopes` is None) may do whatever its owner may, and is shown again to them
    from the encrypted copy; one that was replaced may work on for a while: `revoked_at` is then in
    the future. Any other was shown once, and may do what its scopes say.
    """

    __tablename__ = "api_keys"

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    key_encrypted: Mapped[str | None] = mapped_column(EncryptedText)
    ending: Mapped[str] = mapped_column(String(4), default="", server_default="")
    """The last signs of one that is not shown again, to know it by."""
    scopes: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))  # of core.scopes
    all_instances: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")

    @property
    def is_personal(self) -> bool:
        """Whether it may do whatever its owner may."""
        return self.scopes is None

    def is_over(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now


class ApiKeyInstance(Base):
    """An instance that a key which is not for all of them may be used for."""

    __tablename__ = "api_key_instances"

    key_id: Mapped[str] = mapped_column(
        ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True
    )
    instance_id: Mapped[str] = mapped_column(
        ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class AccessToken(Base):
    """A bearer token given by POST /api/auth/login; only its hash is kept."""

    __tablename__ = "access_tokens"

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
