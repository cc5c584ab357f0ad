"""The journal of what happened to an instance and by whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, Id
from app.models.user import User


class Activity(Base):
    """One line of the journal; `kind` is a slug like "instance:state:changed"."""

    __tablename__ = "activity"
    __table_args__ = (Index("ix_activity_instance_time", "instance_id", "created_at"),)

    id: Mapped[Id]
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    user: Mapped[User | None] = relationship(lazy="raise")  # who did it; None: by itself
    via: Mapped[str | None] = mapped_column(String(10))  # user.BY_KEY or BY_TOKEN; None: in person
    instance_id: Mapped[str | None] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(60))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
