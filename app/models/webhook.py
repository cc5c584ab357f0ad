"""Webhook endpoints, what is due to them, and every attempt made."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, Id
from app.models.encryption import EncryptedJSON, EncryptedText
from app.models.instance import Instance

LONGEST_INTERVAL_MS = 21_600_000


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Endpoint(Base):
    """A URL that is told of the events of one instance, or of all that its owner has."""

    __tablename__ = "endpoints"

    id: Mapped[Id]
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    instance_id: Mapped[str | None] = mapped_column(  # None: of all the owner's instances
        ForeignKey("instances.id", ondelete="CASCADE"), index=True
    )
    instance: Mapped[Instance | None] = relationship()
    url: Mapped[str] = mapped_column(Text)
    enabled: Mapped[bool] = mapped_column(default=True)
    events: Mapped[list[str]]
    secret: Mapped[str] = mapped_column(EncryptedText)
    former_secret: Mapped[str | None] = mapped_column(EncryptedText)
    former_until: Mapped[datetime | None]  # how long the former secret signs, too
    headers: Mapped[dict[str, str]] = mapped_column(EncryptedJSON, default=dict)
    max_retries: Mapped[int] = mapped_column(default=3)
    retry_interval_ms: Mapped[int] = mapped_column(default=60_000)
    max_interval_ms: Mapped[int] = mapped_column(default=LONGEST_INTERVAL_MS)
    timeout_ms: Mapped[int] = mapped_column(default=15_000)
    verify_tls: Mapped[bool] = mapped_column(default=True)
    failures_in_row: Mapped[int] = mapped_column(default=0)
    broken_since: Mapped[datetime | None]  # paused: only looked at, by the next time in probe_at
    probe_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(200))  # a slug, or an answer's status
    last_error_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    def former_at(self, now: datetime) -> str | None:
        """The secret before this one, if it still counts at `now`."""
        return self.former_secret if self.former_until and now < self.former_until else None

    def forget_failures(self) -> None:
        """Lets the next delivery show whether the receiver answers."""
        self.failures_in_row, self.broken_since, self.probe_at = 0, None, None


class Delivery(Base):
    """One event due to one endpoint: a row of the outbox."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_due", "endpoint_id", "status", "due_at"),
        # The log, newest first, of a webhook, a person, an instance. What it is narrowed by stands
        # in the index, too, so that what does not fit costs no look at the row.
        Index("ix_deliveries_log", "endpoint_id", "id", "status", "event"),
        Index("ix_deliveries_log_of_owner", "owner_id", "id", "status", "event"),
        Index("ix_deliveries_log_of_instance", "instance_id", "id", "status", "event"),
    )

    id: Mapped[Id]  # the webhook-id header: the same over all attempts
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoints.id", ondelete="CASCADE"))
    endpoint: Mapped[Endpoint] = relationship()
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    instance_id: Mapped[str | None] = mapped_column(  # whose event it is
        ForeignKey("instances.id", ondelete="CASCADE")
    )
    instance: Mapped[Instance | None] = relationship()
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
