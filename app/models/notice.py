"""Notices: what people ought to see, for as long as it lasts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.notices import NoticeKind
from app.models.base import Base, Id
from app.models.instance import Instance
from app.models.webhook import Endpoint


class Notice(Base):
    """One trouble that lasts, as it is told to one person. It goes when the trouble does; one that
    was dismissed is not shown any more, and not told again while the trouble lasts."""

    __tablename__ = "notices"
    __table_args__ = (UniqueConstraint("user_id", "kind", "subject"),)

    id: Mapped[Id]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[NoticeKind] = mapped_column(String(30))
    subject: Mapped[str] = mapped_column(String(40))  # an id; empty: the deployment
    instance_id: Mapped[str | None] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    instance: Mapped[Instance | None] = relationship(lazy="raise")
    endpoint_id: Mapped[str | None] = mapped_column(ForeignKey("endpoints.id", ondelete="CASCADE"))
    endpoint: Mapped[Endpoint | None] = relationship(lazy="raise")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    since: Mapped[datetime]  # of the trouble
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    dismissed_at: Mapped[datetime | None]
