"""Files of messages that came: expected, fetched by a job, stored, or not to be had."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update

from app import bell, topics
from app.clock import utcnow
from app.config import current_settings
from app.core.backoff import delay_before, with_jitter
from app.core.errors import Conflict, NotFound
from app.core.ids import new_id
from app.core.media import (
    MIB,
    FileFacts,
    MediaKind,
    MediaState,
    RemoteFile,
    clean_name,
)
from app.core.states import MessageStatus
from app.core.texts import N_
from app.extensions import db
from app.models import Instance, Media, Message, ProfilePicture
from app.transaction import rows_changed

QUEUE = "media"
FETCH_JOB = "app.jobs.downloads.fetch"
THUMBNAIL_QUEUE = "default"
THUMBNAIL_JOB = "app.jobs.media.make_thumbnail"
MAKING_QUEUE = "default"
MAKING_JOB = "app.jobs.making.make"
MAKING_SECONDS = 140
"""After so long the job is ended: it waits for its turn, converts and stores."""
CLAIM_LASTS = timedelta(seconds=60)
"""A fetcher that has not said anything for so long is dead. It renews every 15 s."""
TRIES = 8
KEPT_NO_LONGER = "kept_no_longer"
"""The failure of a file that this server had, for as long as it was to."""
_MAY_GO_OUT = frozenset(
    {
        MessageStatus.QUEUED,
        MessageStatus.SENDING,
        MessageStatus.FAILED,
        MessageStatus.UNCONFIRMED,
    }
)
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(hours=1)
KEYS = (Media.storage_key, Media.source_key, Media.thumbnail_key)
"""The columns that name files of the storage."""
_PICTURES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file that a received message tells of."""

    facts: FileFacts
    remote: RemoteFile | None


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file of ours that is in the storage, under `key`, and goes out with a message; or, where
    it `is_source`, what that file is still to be made of, with the facts of it."""

    facts: FileFacts
    key: str
    preview: bytes | None = None
    is_source: bool = False


@dataclass(frozen=True, slots=True)
class Errand:
    """A claimed file: all that its fetcher needs. `until`: when the claim ends; it is also what
    proves that it is still ours."""

    media_id: str
    kind: MediaKind
    remote: RemoteFile
    sha256: str
    size: int | None
    own_proxy: str | None
    until: datetime


def expect(message: Message, file: ArrivedFile, *, is_news: bool) -> Media:
    """The row of a file that came with `message`, in the caller's transaction.

    What is no news, the phone's history, or is larger than MEDIA_FETCH_MB, waits until somebody
    asks for it.
    """
    now = utcnow()
    facts = file.facts
    fetches = is_news and (facts.size or 0) <= current_settings().media_fetch_mb * MIB
    row = Media(
        id=new_id("med", now),
        instance_id=message.instance_id,
        kind=facts.kind,
        file_name=clean_name(facts.file_name),
        claimed_mime=facts.mime[:100],
        size=facts.size,
        sha256=facts.sha256[:64] or None,
        width=facts.width,
        height=facts.height,
        seconds=facts.seconds,
        waveform=facts.waveform[:64] or None,
        animated=facts.animated,
        state=MediaState.WAITING,
        due_at=now if fetches else None,
        remote=_written(file.remote) if file.remote else None,
        created_at=now,
    )
    if file.remote is None:
        row.state, row.failure, row.due_at = MediaState.FAILED, "not_told", None
    message.media = row
    db.session.flush()
    if row.due_at is not None:
        _ring(row.id)
    return row


def attach(message: Message, file: NewFile) -> Media:
    """The row of a file that goes out with `message`, in the caller's transaction."""
    now = utcnow()
    facts = file.facts
    row = Media(
        id=new_id("med", now),
        instance_id=message.instance_id,
        kind=facts.kind,
        file_name=facts.file_name,
        mime=facts.mime[:100],
        size=facts.size,
        sha256=facts.sha256,
        width=facts.width,
        height=facts.height,
        seconds=facts.seconds,
        waveform=facts.waveform[:64] or None,
        animated=facts.animated,
        state=MediaState.STORED,
        storage_key=file.key,
        preview=file.preview,
        created_at=now,
    )
    if file.is_source:
        row.state, row.due_at, row.storage_key = MediaState.MAKING, now, None
        row.source_key, row.source_sha256 = file.key, facts.sha256
    elif facts.mime in _PICTURES:
        row.thumbnail_due_at = now
    message.media = row
    db.session.flush()
    if file.is_source:
        ring_to_make(row.id)
    if row.thumbnail_due_at is not None:
        bell.enqueue(THUMBNAIL_QUEUE, THUMBNAIL_JOB, row.id, timeout=90)
    return row


def ring_to_make(media_id: str) -> None:
    """Has the file that goes out made of what was uploaded."""
    bell.enqueue(MAKING_QUEUE, MAKING_JOB, media_id, timeout=MAKING_SECONDS)


def again(row: Media) -> NewFile:
    """The same file, to go out once more."""
    facts = FileFacts(
        kind=MediaKind(row.kind),
        file_name=row.file_name,
        mime=row.mime or "",
        size=row.size,
        sha256=row.sha256 or "",
        width=row.width,
        height=row.height,
        seconds=row.seconds,
        waveform=row.waveform or b"",
        animated=row.animated,
    )
    return NewFile(facts, str(row.storage_key), row.preview)


def get_for(instance: Instance, media_id: str) -> Media:
    """The file, if it is the instance's. Raises NotFound otherwise."""
    row = db.session.get(Media, media_id)
    if row is None or row.instance_id != instance.id:
        raise NotFound(N_("There is no such file."), code="media_not_found")
    return row


def of_message(message: Message) -> Media:
    """The file of `message`. Raises NotFound where it has none."""
    if message.media is None:
        raise NotFound(N_("This message has no file."), code="media_not_found")
    return message.media


def ask_for(row: Media) -> None:
    """Has a file fetched, now and from the first try on, that waits or could not be had. Raises
    Conflict when it is here, on its way, or nowhere."""
    askable = and_(
        Media.remote.is_not(None),
        Media.state.in_({MediaState.WAITING, MediaState.FAILED, MediaState.EXPIRED}),
    )
    fresh = {"state": MediaState.WAITING, "due_at": utcnow(), "tries": 0, "failure": None}
    if not _move(row.id, askable, **fresh):
        raise Conflict(N_("There is nothing to fetch."), code="not_fetchable")
    db.session.refresh(row)
    _ring(row.id)


def ring_for_due(limit: int = 100) -> int:
    """Rings for files whose time has come: retries, and what a killed worker or an empty Redis
    left behind. How many there are."""
    query = select(Media.id).where(Media.due_at <= utcnow(), Media.state != MediaState.MAKING)
    query = query.order_by(Media.due_at).limit(limit)
    due = list(db.session.scalars(query))
    for media_id in due:
        if bell.once_in(60, f"media:{media_id}"):
            _ring(media_id)
    return len(due)


def claim(media_id: str) -> Errand | None:
    """Takes a file for fetching; None when it is not due, or somebody else fetches it."""
    now = utcnow()
    until = now + CLAIM_LASTS
    due = and_(Media.due_at.is_not(None), Media.due_at <= now, Media.remote.is_not(None))
    taken = {"state": MediaState.FETCHING, "due_at": until, "tries": Media.tries + 1}
    if not _move(media_id, due, **taken):
        return None
    row = db.session.get_one(Media, media_id, populate_existing=True)
    proxy = db.session.get_one(Instance, row.instance_id).proxy_url
    return Errand(
        media_id=row.id,
        kind=MediaKind(row.kind),
        remote=_read(row.remote or {}),
        sha256=row.sha256 or "",
        size=row.size,
        own_proxy=proxy,
        until=until,
    )


def renew(errand: Errand, until: datetime) -> bool:
    """Prolongs the claim; False when it was lost and the fetcher must stop."""
    prolonged = update(Media).where(_mine(errand)).values(due_at=until)
    return rows_changed(prolonged) == 1


def stored(errand: Errand, *, key: str, mime: str, size: int, sha256: str) -> bool:
    """The file is here, under `key` of the storage. False when the claim was lost: then `key`
    belongs to nobody."""
    values: dict[str, Any] = {
        "state": MediaState.STORED,
        "due_at": None,
        "failure": None,
        "storage_key": key,
        "mime": mime[:100],
        "size": size,
        "sha256": sha256,
    }
    if mime in _PICTURES:
        values["thumbnail_due_at"] = utcnow()
    return _move(errand.media_id, _mine(errand), **values)


def gone(errand: Errand) -> bool:
    """WhatsApp does not have the file any more."""
    return _move(errand.media_id, _mine(errand), state=MediaState.EXPIRED, due_at=None)


def failed(errand: Errand, failure: str, *, permanent: bool = False) -> bool:
    """The file did not come, for `failure` (a slug): it is tried again later, unless that is
    `permanent` or was the last of TRIES."""
    row = db.session.get(Media, errand.media_id, populate_existing=True)
    if row is None:
        return False
    if permanent or row.tries >= TRIES:
        lost: dict[str, Any] = {"state": MediaState.FAILED, "due_at": None, "failure": failure}
        return _move(errand.media_id, _mine(errand), **lost)
    pause = with_jitter(delay_before(row.tries, first=_FIRST_PAUSE, cap=_LONGEST_PAUSE))
    later = {"state": MediaState.WAITING, "due_at": utcnow() + pause, "failure": failure}
    return _move(errand.media_id, _mine(errand), **later)


def put_back(errand: Errand) -> bool:
    """Nobody fetches it any more, through no fault of the file: it is due again at once."""
    anew = {"state": MediaState.WAITING, "due_at": utcnow(), "tries": Media.tries - 1}
    if not _move(errand.media_id, _mine(errand), **anew):
        return False
    _ring(errand.media_id)
    return True


def expire(limit: int = 500) -> int:
    """Lets go of up to `limit` files that are older than MEDIA_KEEP_DAYS; how many there were. What
    may still have to be sent stays. The sweep removes the files themselves; what came from WhatsApp
    can be fetched again for as long as it is there."""
    if not (days := current_settings().media_keep_days):
        return 0
    old = Media.state == MediaState.STORED, Media.created_at < utcnow() - timedelta(days=days)
    query = select(Media).join(Message, Message.id == Media.message_id)
    over = query.where(*old, Message.status.not_in(_MAY_GO_OUT)).limit(limit)
    found = list(db.session.scalars(over))
    for row in found:
        state = MediaState.EXPIRED if row.remote is None else MediaState.WAITING
        kept_no_longer = {"state": state, "failure": KEPT_NO_LONGER, "storage_key": None}
        _move(row.id, Media.state == MediaState.STORED, **kept_no_longer)
    return len(found)


def keys_in_use(keys: list[str]) -> set[str]:
    """Which of these files of the storage a row knows."""
    used: set[str] = set()
    for column in (*KEYS, ProfilePicture.storage_key):
        used |= {key for key in db.session.scalars(select(column).where(column.in_(keys))) if key}
    return used


def _mine(errand: Errand) -> ColumnElement[bool]:
    return and_(
        Media.id == errand.media_id,
        Media.state == MediaState.FETCHING,
        Media.due_at == errand.until,
    )


def _move(media_id: str, seen: ColumnElement[bool], **values: Any) -> bool:
    """The one conditional UPDATE that moves a file; its row count says who was first."""
    statement = update(Media).where(Media.id == media_id, seen)
    if rows_changed(statement.values(**values)) != 1:
        return False
    tell(media_id)
    return True


def tell(media_id: str) -> None:
    """The message of this file looks different now."""
    query = select(Message).join(Media, Media.message_id == Message.id)
    message = db.session.scalar(query.where(Media.id == media_id))
    if message is not None:
        message.changed_at = utcnow()
        db.session.flush()
        bell.changed(topics.chat(message.chat_id))


def _ring(media_id: str) -> None:
    bell.enqueue(QUEUE, FETCH_JOB, media_id)


def _written(remote: RemoteFile) -> dict[str, Any]:
    return {
        "directPath": remote.direct_path,
        "mediaKey": base64.b64encode(remote.media_key).decode(),
        "encSha256": base64.b64encode(remote.encrypted_sha256).decode(),
    }


def _read(remote: dict[str, Any]) -> RemoteFile:
    return RemoteFile(
        direct_path=remote["directPath"],
        media_key=base64.b64decode(remote["mediaKey"]),
        encrypted_sha256=base64.b64decode(remote["encSha256"]),
    )
