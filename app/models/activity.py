"""The journal of what happened, to an instance or to a person's account, and by whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import ForeignKey, Index, String, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, Id
from app.models.instance import Instance
from app.models.user import User


class Activity(Base):
    """One line of the journal; `kind` is a slug like "instance:state:changed". A line is written
    once and stays as it is: see services.activity.forget."""

    __tablename__ = "activity"
    __table_args__ = (
        Index("ix_activity_instance_time", "instance_id", "created_at"),
        Index("ix_activity_owner_time", "owner_id", "created_at"),
        Index("ix_activity_time", "created_at"),
    )

    id: Mapped[Id]
    owner_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    """Whose journal it stands in; None for what is nobody's."""
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    user: Mapped[User | None] = relationship(lazy="raise", foreign_keys=[user_id])
    """Who did it; None: by itself."""
    via: Mapped[str | None] = mapped_column(String(10))  # user.BY_KEY or BY_TOKEN; None: in person
    address: Mapped[str | None] = mapped_column(String(45))  # from where
    instance_id: Mapped[str | None] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    instance: Mapped[Instance | None] = relationship(lazy="raise")
    kind: Mapped[str] = mapped_column(String(60))
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]


@event.listens_for(Activity, "before_update")
@event.listens_for(Activity, "before_delete")
def _refuse(*_: object) -> NoReturn:
    raise RuntimeError("a line of the journal is written once")
