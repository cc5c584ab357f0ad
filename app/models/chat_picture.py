"""Profile pictures of chats, as far as somebody looked at the chat."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

_WANTED = text("wanted_at IS NOT NULL")
_TO_DOWNLOAD = text("url IS NOT NULL")


class ChatPicture(Base):
    """What is known of the picture of one chat, a person's or a group's."""

    __tablename__ = "chat_pictures"
    __table_args__ = (
        Index(
            "ix_chat_pictures_wanted",
            "instance_id",
            "wanted_at",
            sqlite_where=_WANTED,
            postgresql_where=_WANTED,
        ),
        Index(
            "ix_chat_pictures_to_download",
            "fetched_at",
            sqlite_where=_TO_DOWNLOAD,
            postgresql_where=_TO_DOWNLOAD,
        ),
    )

    chat_id: Mapped[str] = mapped_column(
        ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True
    )
    instance_id: Mapped[str] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    wa_picture_id: Mapped[str | None] = mapped_column(String(100))
    storage_key: Mapped[str | None] = mapped_column(String(40), index=True)
    mime: Mapped[str | None] = mapped_column(String(20))  # what its bytes say
    absent: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether WhatsApp shows none: there is none, or it is hidden from this account."""
    fetched_at: Mapped[datetime | None]
    """When WhatsApp was asked last."""
    wanted_at: Mapped[datetime | None]
    """Since when somebody wants it who looks at the chat; None once WhatsApp was asked."""
    url: Mapped[str | None] = mapped_column(Text)
    """Where it is to be downloaded from; None when there is nothing to download."""
