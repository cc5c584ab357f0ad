"""Webhook endpoints, what is due to them, and every attempt made."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, Id
from app.models.encryption import EncryptedJSON, EncryptedText


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Endpoint(Base):
    """A URL that is told of an instance's events."""

    __tablename__ = "endpoints"

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(
        ForeignKey("instances.id", ondelete="CASCADE"), index=True
    )
    url: Mapped[str] = mapped_column(Text)
    enabled: Mapped[bool] = mapped_column(default=True)
    events: Mapped[list[str]]
    secret: Mapped[str] = mapped_column(EncryptedText)
    headers: Mapped[dict[str, str]] = mapped_column(EncryptedJSON, default=dict)
    max_retries: Mapped[int] = mapped_column(default=3)
    retry_interval_ms: Mapped[int] = mapped_column(default=60_000)
    created_at: Mapped[datetime]


class Delivery(Base):
    """One event due to one endpoint: a row of the outbox."""

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_due", "status", "due_at"),)

    id: Mapped[Id]  # the webhook-id header: the same over all attempts
    endpoint_id: Mapped[str] = mapped_column(
        ForeignKey("endpoints.id", ondelete="CASCADE"), index=True
    )
    endpoint: Mapped[Endpoint] = relationship()
    event: Mapped[str] = mapped_column(String(40))
    body: Mapped[bytes] = mapped_column(LargeBinary)  # exactly what is signed and sent
    status: Mapped[DeliveryStatus] = mapped_column(String(10), default=DeliveryStatus.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]  # a sender works on it until then
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Attempt(Base):
    """One try to deliver, and what came back."""

    __tablename__ = "attempts"

    id: Mapped[Id]
    delivery_id: Mapped[str] = mapped_column(
        ForeignKey("deliveries.id", ondelete="CASCADE"), index=True
    )
    number: Mapped[int]
    started_at: Mapped[datetime]
    duration_ms: Mapped[int]
    status_code: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(String(200))
    answer: Mapped[str | None] = mapped_column(Text)  # its first KB
