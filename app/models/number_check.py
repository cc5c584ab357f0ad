"""Questions to WhatsApp whether a number has an account there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id


class NumberCheck(Base):
    """One question: asked by a page, answered by the host that holds the session."""

    __tablename__ = "number_checks"
    __table_args__ = (
        Index(
            "ix_number_checks_open",
            "instance_id",
            "asked_at",
            sqlite_where=text("answered_at IS NULL"),
            postgresql_where=text("answered_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    phone: Mapped[str] = mapped_column(String(20))
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    registered: Mapped[bool | None]  # None: not answered, or WhatsApp did not say
    lid: Mapped[str | None] = mapped_column(String(20))
