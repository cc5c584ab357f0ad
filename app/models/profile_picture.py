"""Profile pictures of chats and of members of groups, as far as somebody looked at them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id

_WANTED = text("wanted_at IS NOT NULL")
_TO_DOWNLOAD = text("url IS NOT NULL")


class ProfilePicture(Base):
    """What is known of the picture of one chat, a person's or a group's, or of somebody who is no
    chat but in a group."""

    __tablename__ = "profile_pictures"
    __table_args__ = (
        UniqueConstraint("account_id", "key"),
        Index("ix_profile_pictures_account_phone", "account_id", "phone"),
        Index(
            "ix_profile_pictures_wanted",
            "instance_id",
            "wanted_at",
            sqlite_where=_WANTED,
            postgresql_where=_WANTED,
        ),
        Index(
            "ix_profile_pictures_to_download",
            "fetched_at",
            sqlite_where=_TO_DOWNLOAD,
            postgresql_where=_TO_DOWNLOAD,
        ),
    )

    id: Mapped[Id]
    """Of a chat's picture the id of the chat."""
    instance_id: Mapped[str] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    account_id: Mapped[str] = mapped_column(ForeignKey("linked_accounts.id", ondelete="CASCADE"))
    chat_id: Mapped[str | None] = mapped_column(
        ForeignKey("chats.id", ondelete="CASCADE"), unique=True
    )
    key: Mapped[str | None] = mapped_column(String(24))
    """Of a member of a group, as `phone` and `lid`: the LID, or the number where that is
    unknown."""
    phone: Mapped[str | None] = mapped_column(String(20))
    lid: Mapped[str | None] = mapped_column(String(20))
    seen_in_id: Mapped[str | None] = mapped_column(ForeignKey("chats.id", ondelete="SET NULL"))
    """The group in which somebody looked at it last: what is written there shows it."""
    wa_picture_id: Mapped[str | None] = mapped_column(String(100))
    storage_key: Mapped[str | None] = mapped_column(String(40), index=True)
    mime: Mapped[str | None] = mapped_column(String(20))  # what its bytes say
    absent: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether WhatsApp shows none: there is none, or it is hidden from this account."""
    fetched_at: Mapped[datetime | None]
    """When WhatsApp was asked last; None where it has told since that there is another."""
    wanted_at: Mapped[datetime | None]
    """Since when somebody wants it who looks at it; None once WhatsApp was asked."""
    url: Mapped[str | None] = mapped_column(Text)
    """Where it is to be downloaded from; None when there is nothing to download."""
