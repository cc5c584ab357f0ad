"""Calls that came for an account. Nobody can answer them here: they are told, or rejected."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id

CALL_ID_LENGTH = 100
_RINGING = text("fate = 'ringing'")


class Fate(StrEnum):
    """What became of a call here. RINGING: it is to be rejected, which nobody has been told yet."""

    RINGING = "ringing"
    REJECTED = "rejected"
    LEFT = "left"


class Call(Base):
    """One call, and whether it was rejected here."""

    __tablename__ = "calls"
    __table_args__ = (
        UniqueConstraint("account_id", "wa_id"),
        Index(
            "ix_calls_ringing",
            "account_id",
            "offered_at",
            sqlite_where=_RINGING,
            postgresql_where=_RINGING,
        ),
    )

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(
        ForeignKey("instances.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[str] = mapped_column(ForeignKey("linked_accounts.id", ondelete="CASCADE"))
    wa_id: Mapped[str] = mapped_column(String(CALL_ID_LENGTH))
    caller_phone: Mapped[str | None] = mapped_column(String(20))
    caller_lid: Mapped[str | None] = mapped_column(String(20))  # user parts, without the server
    is_group: Mapped[bool]
    video: Mapped[bool | None]  # None: WhatsApp did not tell
    offered_at: Mapped[datetime]
    """When it began, by WhatsApp's clock."""
    fate: Mapped[Fate] = mapped_column(String(10))
    created_at: Mapped[datetime]
