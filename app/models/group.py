"""Members of groups, and what people want done about groups."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id


class GroupMember(Base):
    """Somebody in a group, the account itself too."""

    __tablename__ = "group_members"

    chat_id: Mapped[str] = mapped_column(
        ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(24), primary_key=True)
    """The user part of the LID, or the number's digits where that is unknown."""
    phone: Mapped[str | None] = mapped_column(String(20))
    lid: Mapped[str | None] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(10))  # of core.groups


class GroupWish(Base):
    """Something wanted done about a group, or about one person: written by a page or the API, done
    once by the host that holds the session."""

    __tablename__ = "group_wishes"
    __table_args__ = (
        Index(
            "ix_group_wishes_open",
            "instance_id",
            "asked_at",
            sqlite_where=text("taken_at IS NULL"),
            postgresql_where=text("taken_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    group_id: Mapped[str | None] = mapped_column(String(40))  # None: to be made, or none
    act: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(100), default="")
    people: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))  # JIDs
    asked_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    """From then on it is not done again, whatever became of it."""
    answered_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(String(60))  # slug; None: it worked
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """`group`: the id of the group made; `link`; `refused`: numbers or LIDs it was refused for."""
