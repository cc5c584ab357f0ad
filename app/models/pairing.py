"""One attempt to link a phone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id
from app.models.encryption import EncryptedText

QR, PHONE_CODE = "qr", "phone_code"


class Pairing(Base):
    """An attempt: its newest code, and how it ended. At most one per instance is active."""

    __tablename__ = "pairings"
    __table_args__ = (UniqueConstraint("instance_id", "active"),)

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    active: Mapped[bool | None]  # True, or NULL when over (a NULL is never equal to another)
    method: Mapped[str] = mapped_column(String(10), default=QR)
    phone: Mapped[str | None] = mapped_column(String(20))  # that a phone code is made for
    code: Mapped[str | None] = mapped_column(EncryptedText)  # of the QR code, or to be typed
    code_expires_at: Mapped[datetime | None]
    key_store: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime]  # when somebody last looked; nobody looking ends the attempt
    started_at: Mapped[datetime | None]  # when a worker took it
    beat_at: Mapped[datetime | None]  # when that worker last said that it is there
    ended_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(40))  # why it ended without a link
