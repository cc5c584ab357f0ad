"""Instances and the WhatsApp accounts that were linked to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.presence import Presence
from app.core.proxies import Proxy
from app.core.reading import ReadReceipts
from app.core.states import DesiredState, InstanceState
from app.models.base import Base, Id
from app.models.encryption import EncryptedText


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
    contacts_read_at: Mapped[datetime | None]  # when its WhatsApp's contacts were last copied here

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
    deleted_at: Mapped[datetime | None]
    """Set: nobody sees it any more, and the rows go as soon as its session has ended."""

    state: Mapped[InstanceState] = mapped_column(String(20), default=InstanceState.CREATED)
    reason: Mapped[str | None] = mapped_column(String(40))
    reason_detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state_changed_at: Mapped[datetime]
    retry_at: Mapped[datetime | None]  # when the next connection attempt comes, if one is planned
    problem: Mapped[str | None] = mapped_column(String(40))  # slug of the last trouble there was
    problem_detail: Mapped[dict[str, Any] | None]
    problem_since: Mapped[datetime | None]
    problem_until: Mapped[datetime | None]  # None while it lasts
    desired: Mapped[DesiredState] = mapped_column(String(10), default=DesiredState.STOPPED)

    contacts_wanted_at: Mapped[datetime | None]  # set: its host is to read WhatsApp's contacts now

    proxy_url: Mapped[str | None] = mapped_column(EncryptedText)
    proxy_changed_at: Mapped[datetime | None]
    presence: Mapped[Presence] = mapped_column(String(10), default=Presence.ONLINE)
    send_gap_seconds: Mapped[int | None]  # None: the deployment's SEND_GAP_MS
    read_receipts: Mapped[ReadReceipts] = mapped_column(
        String(10), default=ReadReceipts.OFF, server_default=ReadReceipts.OFF.value
    )
    reject_calls: Mapped[bool] = mapped_column(default=False)

    queue_paused_at: Mapped[datetime | None]  # set: nothing of the queue is sent
    queue_paused_by: Mapped[str] = mapped_column(String(254), default="", server_default="")
    """The person's name then: it is told also when the person is gone."""
    queue_pause_reason: Mapped[str] = mapped_column(String(200), default="", server_default="")

    account_id: Mapped[str | None] = mapped_column(
        ForeignKey("linked_accounts.id", use_alter=True, ondelete="SET NULL")
    )
    account: Mapped[LinkedAccount | None] = relationship(foreign_keys=[account_id], lazy="joined")

    @property
    def proxy(self) -> Proxy | None:
        """Its own way to WhatsApp; None for that of the deployment."""
        return Proxy.of(self.proxy_url) if self.proxy_url else None

    @property
    def proxy_waits(self) -> bool:
        """Whether the connection that stands is older than the proxy."""
        changed_at = self.proxy_changed_at
        connected = self.instance_state is InstanceState.CONNECTED
        return connected and changed_at is not None and changed_at > self.state_changed_at

    @property
    def instance_state(self) -> InstanceState:
        """`state` as the enum: rows come back as plain text."""
        return InstanceState(self.state)
