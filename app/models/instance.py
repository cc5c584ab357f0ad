"""Instances and the WhatsApp accounts that were linked to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.states import DesiredState, InstanceState
from app.models.base import Base, Id


class LinkedAccount(Base):
    """A WhatsApp account as one instance knows it. Chats hang on it, not on the instance alone,
    so that linking another number keeps the old one's chats apart."""

    __tablename__ = "linked_accounts"
    __table_args__ = (UniqueConstraint("instance_id", "phone"),)

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    phone: Mapped[str] = mapped_column(String(20), index=True)  # digits
    lid: Mapped[str | None] = mapped_column(String(20))  # user part of the LID
    device: Mapped[int]  # this link's device number
    key_store: Mapped[str] = mapped_column(String(80))  # name of the keys' file within DATA_DIR
    push_name: Mapped[str | None] = mapped_column(String(100))
    linked_at: Mapped[datetime]
    unlinked_at: Mapped[datetime | None]

    @property
    def device_jid(self) -> str:
        """The JID that opens the session: number, device number, server."""
        return f"{self.phone}:{self.device}@s.whatsapp.net"


class Instance(Base):
    """One place for one WhatsApp account."""

    __tablename__ = "instances"
    __table_args__ = (
        UniqueConstraint("owner_id", "name"),
        Index("ix_instances_desired_state", "desired", "state"),
    )

    id: Mapped[Id]
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    description: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]

    state: Mapped[InstanceState] = mapped_column(String(20), default=InstanceState.CREATED)
    reason: Mapped[str | None] = mapped_column(String(40))
    reason_detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state_changed_at: Mapped[datetime]
    retry_at: Mapped[datetime | None]  # when the next connection attempt comes, if one is planned
    desired: Mapped[DesiredState] = mapped_column(String(10), default=DesiredState.STOPPED)

    account_id: Mapped[str | None] = mapped_column(
        ForeignKey("linked_accounts.id", use_alter=True, ondelete="SET NULL")
    )
    account: Mapped[LinkedAccount | None] = relationship(foreign_keys=[account_id], lazy="joined")

    @property
    def instance_state(self) -> InstanceState:
        """`state` as the enum: rows come back as plain text."""
        return InstanceState(self.state)
