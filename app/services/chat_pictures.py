"""Profile pictures of chats: wanted by who looks at a chat, asked for by its session, downloaded by
a job. WhatsApp is asked about nobody whom no one looks at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import and_, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.errors import NotFound
from app.core.states import InstanceState
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, ChatPicture, Instance
from app.transaction import rows_changed

QUEUE = "media"
JOB = "app.jobs.downloads.fetch_picture"
FRESH_FOR = timedelta(days=1)
GOOD_FOR = timedelta(minutes=10)
"""A wish that is older is not followed any more: nobody may look at the chat by now."""
MOST_WISHES = 30
"""Wishes of one look at a page."""
LATE = timedelta(minutes=1)
"""A download that was not done by then is rung for again."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A picture to download: where it is, and by which way."""

    chat_id: str
    url: str
    own_proxy: str | None


def unknown_of(instance: Instance, shown: Iterable[Chat]) -> list[str]:
    """The ids of those among the shown chats whose pictures are to be asked for; none while the
    instance is not connected, so that nobody writes in vain."""
    if instance.instance_state is not InstanceState.CONNECTED:
        return []
    ours = (chat for chat in shown if chat.account_id == instance.account_id)
    unknown = dict.fromkeys(chat.id for chat in ours if _is_unknown(chat.picture))
    return list(unknown)[:MOST_WISHES]


def want(instance_id: str, chat_ids: list[str]) -> None:
    """Writes down that somebody looks at these chats, and wakes the session."""
    wanted = {"wanted_at": utcnow()}
    known = set(
        db.session.scalars(select(ChatPicture.chat_id).where(ChatPicture.chat_id.in_(chat_ids)))
    )
    rows_changed(update(ChatPicture).where(ChatPicture.chat_id.in_(known)).values(**wanted))
    new = (chat_id for chat_id in chat_ids if chat_id not in known)
    rows = [ChatPicture(chat_id=one, instance_id=instance_id, **wanted) for one in new]
    db.session.add_all(rows)
    db.session.flush()
    bell.wake(instance_id)


def next_wanted(instance: Instance) -> Chat | None:
    """The chat of the linked account whose picture was wanted first, and still is."""
    query = (
        select(Chat)
        .join(ChatPicture)
        .where(
            ChatPicture.instance_id == instance.id,
            ChatPicture.wanted_at > utcnow() - GOOD_FOR,
            Chat.account_id == instance.account_id,
        )
    )
    return db.session.scalar(query.order_by(ChatPicture.wanted_at, Chat.id).limit(1))


def told(chat_id: str, picture_id: str, url: str) -> None:
    """WhatsApp has said which picture it is and where: one that is not here is downloaded."""
    row = db.session.get(ChatPicture, chat_id, populate_existing=True)
    if row is None:  # its chat was deleted meanwhile
        return
    row.wanted_at, row.fetched_at, row.absent = None, utcnow(), False
    if row.storage_key is None or row.wa_picture_id != picture_id:
        row.wa_picture_id, row.url = picture_id[:100], url
        _ring(chat_id)
    db.session.flush()


def told_none(chat_id: str) -> None:
    """WhatsApp shows no picture, or not to this account."""
    row = db.session.get(ChatPicture, chat_id, populate_existing=True)
    if row is None:
        return
    was_shown = row.storage_key is not None
    row.wanted_at, row.fetched_at, row.absent = None, utcnow(), True
    row.wa_picture_id = row.storage_key = row.mime = row.url = None
    db.session.flush()
    if was_shown:
        _tell(row)


def not_told(chat_id: str) -> None:
    """WhatsApp would not say: it is asked again tomorrow."""
    statement = update(ChatPicture).where(ChatPicture.chat_id == chat_id)
    rows_changed(statement.values(wanted_at=None, fetched_at=utcnow()))


def errand_of(chat_id: str) -> Errand | None:
    """What a download needs; None where nothing is to be downloaded."""
    row = db.session.get(ChatPicture, chat_id, populate_existing=True)
    if row is None or row.url is None:
        return None
    return Errand(chat_id, row.url, db.session.get_one(Instance, row.instance_id).proxy_url)


def stored(errand: Errand, *, key: str, mime: str) -> bool:
    """The picture is in the storage. False where it is not wanted any more, or here already."""
    if not _settle(errand, storage_key=key, mime=mime):
        return False
    _tell(db.session.get_one(ChatPicture, errand.chat_id, populate_existing=True))
    return True


def failed(errand: Errand) -> None:
    """It could not be had: what was here before stays, and WhatsApp is asked again tomorrow."""
    _settle(errand, wa_picture_id=None)


def ring_for_due(limit: int = 100) -> None:
    """Rings for downloads that nobody has done. Run by the clock."""
    query = select(ChatPicture.chat_id).where(
        ChatPicture.url.is_not(None), ChatPicture.fetched_at < utcnow() - LATE
    )
    for chat_id in db.session.scalars(query.order_by(ChatPicture.fetched_at).limit(limit)):
        if bell.once_in(60, f"picture:{chat_id}"):
            _ring(chat_id)


def stored_of(chat: Chat) -> ChatPicture:
    """The picture that is here. Raises NotFound."""
    row = db.session.get(ChatPicture, chat.id)
    if row is None or row.storage_key is None:
        raise NotFound(N_("There is no such file."), code="media_not_found")
    return row


def _is_unknown(row: ChatPicture | None) -> bool:
    if row is None:
        return True
    now = utcnow()
    waits = row.url is not None or (row.wanted_at is not None and row.wanted_at > now - GOOD_FOR)
    return not waits and (row.fetched_at is None or row.fetched_at < now - FRESH_FOR)


def _settle(errand: Errand, **values: str | None) -> bool:
    mine = and_(ChatPicture.chat_id == errand.chat_id, ChatPicture.url == errand.url)
    return rows_changed(update(ChatPicture).where(mine).values(url=None, **values)) == 1


def _tell(row: ChatPicture) -> None:
    """The chat's line in the list looks different now."""
    rows_changed(update(Chat).where(Chat.id == row.chat_id).values(changed_at=utcnow()))
    bell.changed(topics.chats(row.instance_id))


def _ring(chat_id: str) -> None:
    bell.enqueue(QUEUE, JOB, chat_id)
