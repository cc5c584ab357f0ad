"""Small copies of images: which are due, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, select, update

from app import bell
from app.clock import utcnow
from app.extensions import db
from app.models import Media
from app.services import media
from app.transaction import rows_changed

TRIES = 3
"""A decoder that ends the process with an image is not fed it for ever."""
_CLAIM_LASTS = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Original:
    """A claimed image: where its bytes are."""

    media_id: str
    storage_key: str
    size: int


def ring(media_id: str) -> None:
    """Queues the making of one."""
    bell.enqueue(media.THUMBNAIL_QUEUE, media.THUMBNAIL_JOB, media_id, timeout=90)


def ring_for_due(limit: int = 100) -> int:
    """Rings for those that are due and nobody makes; how many there are."""
    query = select(Media.id).where(Media.thumbnail_due_at <= utcnow())
    due = list(db.session.scalars(query.order_by(Media.thumbnail_due_at).limit(limit)))
    for media_id in due:
        if bell.once_in(60, f"thumbnail:{media_id}"):
            ring(media_id)
    return len(due)


def claim(media_id: str) -> Original | None:
    """Takes an image for shrinking; None when it is not due, or was tried too often."""
    now = utcnow()
    due = update(Media).where(Media.id == media_id, Media.thumbnail_due_at <= now)
    taken = due.values(
        thumbnail_due_at=now + _CLAIM_LASTS, thumbnail_tries=Media.thumbnail_tries + 1
    )
    if rows_changed(taken) != 1:
        return None
    row = db.session.get_one(Media, media_id, populate_existing=True)
    if row.storage_key is None or row.thumbnail_tries > TRIES:
        row.thumbnail_due_at = None
        return None
    return Original(row.id, row.storage_key, row.size or 0)


def made(original: Original, *, key: str, width: int, height: int, preview: bytes) -> bool:
    """The thumbnail is in the storage. False when it is not wanted any more."""
    values: dict[str, Any] = {"width": width, "height": height, "preview": preview}
    return _finish(original, thumbnail_key=key, **values)


def impossible(original: Original) -> None:
    """There will be none: the page shows a sign in its place."""
    _finish(original)


def _finish(original: Original, **values: Any) -> bool:
    still = and_(Media.id == original.media_id, Media.storage_key == original.storage_key)
    statement = update(Media).where(still, Media.thumbnail_due_at.is_not(None))
    if rows_changed(statement.values(thumbnail_due_at=None, **values)) != 1:
        return False
    media.tell(original.media_id)
    return True
