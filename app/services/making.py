"""GIFs of ours: made, by a job, of what was uploaded, before their messages may go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, true, tuple_, update

from app import bell
from app.clock import utcnow
from app.core.media import FileFacts, MediaState
from app.core.states import MessageStatus
from app.extensions import db
from app.models import Media, Message
from app.services import media
from app.transaction import rows_changed

TRIES = 3
"""What ends the job over and over is not tried for ever."""
CLAIM_LASTS = timedelta(seconds=150)
"""Longer than a job may take: whoever says nothing for so long is dead."""
_PAUSE = timedelta(seconds=10)
GIVEN_UP = "gif_unreadable"


@dataclass(frozen=True, slots=True)
class Source:
    """A claimed file: what the one that goes out is made of. `until` proves that it is ours."""

    media_id: str
    key: str
    file_name: str
    until: datetime
    is_worn: bool
    """Whether it was tried too often: it is to be given up."""


def ring_for_due(limit: int = 100) -> int:
    """Rings for what is to be made and nobody makes; how many there are."""
    due = and_(Media.source_key.is_not(None), Media.due_at <= utcnow())
    query = select(Media.id).where(due, Media.state == MediaState.MAKING)
    found = list(db.session.scalars(query.order_by(Media.due_at).limit(limit)))
    for media_id in found:
        if bell.once_in(60, f"making:{media_id}"):
            media.ring_to_make(media_id)
    return len(found)


def claim(media_id: str) -> Source | None:
    """Takes a file for making; None when it is not due, or somebody else makes it."""
    now = utcnow()
    until = now + CLAIM_LASTS
    due = and_(Media.id == media_id, Media.state == MediaState.MAKING, Media.due_at <= now)
    if not _changed(due, due_at=until, tries=Media.tries + 1):
        return None
    row = db.session.get_one(Media, media_id, populate_existing=True)
    return Source(row.id, str(row.source_key), row.file_name, until, row.tries > TRIES)


def made(source: Source, file: media.NewFile, *, thumbnail_key: str) -> bool:
    """The file is in the storage, and its message may go. False when it is not wanted any more:
    then its keys belong to nobody."""
    facts = file.facts
    values: dict[str, Any] = {
        "state": MediaState.STORED,
        "due_at": None,
        "failure": None,
        "source_key": None,
        "storage_key": file.key,
        "thumbnail_key": thumbnail_key,
        "preview": file.preview,
        **_columns(facts),
    }
    if not _changed(_mine(source), **values):
        return False
    media.tell(source.media_id)
    bell.wake(_message_of(source.media_id).instance_id)
    return True


def failed(source: Source, failure: str) -> Message | None:
    """Nothing can be made of it, for `failure` (a slug); its message, which cannot be sent then.
    None when it is not wanted any more."""
    if not _changed(_mine(source), state=MediaState.FAILED, due_at=None, failure=failure, tries=0):
        return None
    media.tell(source.media_id)
    return _message_of(source.media_id)


def put_back(source: Source, *, untried: bool) -> bool:
    """It is due again soon; the try does not count where it was `untried`, the file looked at by
    nobody."""
    soon = utcnow() + _PAUSE
    return _changed(_mine(source), due_at=soon, tries=Media.tries - int(untried))


def begin_again(message: Message) -> None:
    """Has the file of a message that is tried again made anew, where it could not be."""
    row = message.media
    if row is None or row.source_key is None:
        return
    lost = and_(Media.id == row.id, Media.state == MediaState.FAILED)
    anew = {"state": MediaState.MAKING, "due_at": utcnow(), "failure": None}
    if _changed(lost, **anew):
        media.ring_to_make(row.id)


def not_held_up(instance_id: str) -> ColumnElement[bool]:
    """Of messages: those that come before every one in their chat whose file is still to be made.
    Such a one waits, and the order of its chat with it."""
    under_way = select(Media.message_id).where(
        Media.source_key.is_not(None), Media.state == MediaState.MAKING
    )
    ids = list(db.session.scalars(under_way))  # from a small index; nearly always none
    if not ids:
        return true()
    first = select(Message.chat_id, Message.due_at, Message.id).where(
        Message.id.in_(ids),
        Message.instance_id == instance_id,
        Message.status == MessageStatus.QUEUED,
    )
    place = tuple_(Message.due_at, Message.id)
    return and_(
        true(),
        *(
            or_(Message.chat_id != chat_id, place < tuple_(due_at, message_id))
            for chat_id, due_at, message_id in db.session.execute(first)
        ),
    )


def _columns(facts: FileFacts) -> dict[str, Any]:
    names = ("file_name", "mime", "size", "sha256", "width", "height", "seconds")
    return {name: getattr(facts, name) for name in names}


def _mine(source: Source) -> ColumnElement[bool]:
    return and_(
        Media.id == source.media_id,
        Media.state == MediaState.MAKING,
        Media.due_at == source.until,
    )


def _changed(seen: ColumnElement[bool], **values: Any) -> bool:
    return rows_changed(update(Media).where(seen).values(**values)) == 1


def _message_of(media_id: str) -> Message:
    query = select(Message).join(Media, Media.message_id == Message.id)
    return db.session.scalars(query.where(Media.id == media_id)).one()
