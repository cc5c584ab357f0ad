"""Links that let somebody in once: the first administrator, an invited person, a forgotten
password. Only hashes are kept, but for an invitation, which can be copied again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id
from app.models.encryption import EncryptedText
from app.models.user import USER


class SetupLink(Base):
    """A link, good for one use, that makes the first administrator."""

    __tablename__ = "setup_links"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Invitation(Base):
    """A link, good for one use, with which somebody makes an account."""

    __tablename__ = "invitations"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    token_encrypted: Mapped[str] = mapped_column(EncryptedText)
    email: Mapped[str] = mapped_column(String(254), default="")  # whom it is for, as far as said
    role: Mapped[str] = mapped_column(String(20), default=USER)
    instance_limit: Mapped[int | None]
    created_by_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A link, good for one use, with which a person sets a new password."""

    __tablename__ = "password_resets"

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
