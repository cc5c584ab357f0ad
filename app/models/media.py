"""Files of messages: received ones, still at WhatsApp or fetched, and those to be sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.media import MediaKind, MediaState
from app.models.base import Base, Id
from app.models.encryption import EncryptedJSON

_DUE = text("due_at IS NOT NULL")
_FOR_A_THUMBNAIL = text("thumbnail_due_at IS NOT NULL")
_STILL_TO_MAKE = text("source_key IS NOT NULL")


class Media(Base):
    """The file of one message.

    What the sender says of it (`claimed_mime`, sizes, seconds) is shown while it waits, and never
    believed: `mime` is what its bytes say, once it is stored.
    """

    __tablename__ = "media"
    __table_args__ = (
        Index("ix_media_due", "due_at", sqlite_where=_DUE, postgresql_where=_DUE),
        Index(
            "ix_media_thumbnail_due",
            "thumbnail_due_at",
            sqlite_where=_FOR_A_THUMBNAIL,
            postgresql_where=_FOR_A_THUMBNAIL,
        ),
        Index(
            "ix_media_source_key",
            "source_key",
            sqlite_where=_STILL_TO_MAKE,
            postgresql_where=_STILL_TO_MAKE,
        ),
    )

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(
        ForeignKey("instances.id", ondelete="CASCADE"), index=True
    )
    message_id: Mapped[str] = mapped_column(
        ForeignKey("messages.id", ondelete="CASCADE"), unique=True
    )
    kind: Mapped[MediaKind] = mapped_column(String(10))
    file_name: Mapped[str] = mapped_column(String(255), default="")
    claimed_mime: Mapped[str] = mapped_column(String(100), default="")
    mime: Mapped[str | None] = mapped_column(String(100))
    size: Mapped[int | None] = mapped_column(BigInteger)  # bytes
    sha256: Mapped[str | None] = mapped_column(String(64))  # of the plain file, in hex
    width: Mapped[int | None]  # pixels
    height: Mapped[int | None]
    seconds: Mapped[int | None]
    waveform: Mapped[bytes | None] = mapped_column(LargeBinary)
    """How loud a voice note is, in steps of 0 to 100."""
    animated: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether a sticker moves."""

    state: Mapped[MediaState] = mapped_column(String(10))
    failure: Mapped[str | None] = mapped_column(String(40))  # slug, where state is failed
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]
    """When it is to be fetched, or made; of one that is under way, when who does it counts as dead.
    None while nobody asked for it."""
    remote: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    """Where WhatsApp keeps it and the key it is encrypted with: directPath, mediaKey, encSha256."""

    storage_key: Mapped[str | None] = mapped_column(String(40), index=True)
    source_key: Mapped[str | None] = mapped_column(String(40))
    """What was uploaded, until the file that goes out is made of it."""
    source_sha256: Mapped[str | None] = mapped_column(String(64))
    """Of what it was made of: a request that is repeated is known by it."""
    thumbnail_key: Mapped[str | None] = mapped_column(String(40), index=True)
    thumbnail_due_at: Mapped[datetime | None]
    thumbnail_tries: Mapped[int] = mapped_column(default=0)
    preview: Mapped[bytes | None] = mapped_column(LargeBinary)  # a JPEG of a few KB, ours
    created_at: Mapped[datetime]

    @property
    def is_stored(self) -> bool:
        """Whether its bytes are here."""
        return self.state == MediaState.STORED

    @property
    def is_picture(self) -> bool:
        """Whether it is shown as an image."""
        return self.kind in {MediaKind.IMAGE, MediaKind.STICKER}
