"""Who runs which live session: hosts and their leases."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id


class Host(Base):
    """A process that holds live sessions; gone when it was not seen for a while."""

    __tablename__ = "hosts"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(120))  # machine and pid, for people
    capacity: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    memory_mib: Mapped[int | None]  # what its process cost the machine when it was seen last
    draining_at: Mapped[datetime | None]  # it is about to end: nothing is offered to it any more


class Lease(Base):
    """The right to run one instance's session, until it expires.

    `epoch` grows with every new holder; a write made for a session carries it, so a holder that
    lost its lease can change nothing.
    """

    __tablename__ = "leases"

    instance_id: Mapped[str] = mapped_column(
        ForeignKey("instances.id", ondelete="CASCADE"), primary_key=True
    )
    host_id: Mapped[str] = mapped_column(String(40), index=True)
    epoch: Mapped[int]
    expires_at: Mapped[datetime]
    # Whether the holder before gave it back or is known to be dead; else it may still run elsewhere
    released: Mapped[bool] = mapped_column(server_default=false())
    give_back: Mapped[bool] = mapped_column(default=False)  # the clock asks its host to
    crashes: Mapped[int] = mapped_column(default=0)  # hosts that died and may have died of it
