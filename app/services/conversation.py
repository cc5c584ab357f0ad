"""The messages of one chat, part by part: keysets on (shown_at, id), so that a chat of any length
opens in the same time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, or_, select, tuple_
from sqlalchemy.orm import joinedload, selectinload

from app.core.states import MessageStatus
from app.extensions import db
from app.models import Chat, Message
from app.models.message import INCOMING

_SHOWN = (
    selectinload(Message.media),
    joinedload(Message.quote),
    selectinload(Message.reactions),
    selectinload(Message.poll_votes),
)
OPEN = frozenset({MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.FAILED})
"""Until an amendment is sent it stands in the conversation as what it is to be."""
_PLACE = tuple_(Message.shown_at, Message.id)


@dataclass(frozen=True, slots=True)
class Part:
    """Messages that stand together, oldest first, and whether there are more on either side."""

    messages: list[Message]
    earlier: bool
    later: bool


@dataclass(frozen=True, slots=True)
class News:
    """What was written since somebody looked, in the order of the writing."""

    messages: list[Message]
    more: bool  # there is more behind the last one


def holds(chat: Chat, message_id: str) -> bool:
    """Whether the message stands in this chat."""
    return _place_of(chat, message_id) is not None


def newest(chat: Chat, *, limit: int) -> Part:
    """The end of the conversation."""
    messages, earlier = _up(_of(chat), limit)
    return Part(messages, earlier, later=False)


def before(chat: Chat, message_id: str, *, limit: int) -> Part:
    """Up to `limit` messages before this one; the end where it is unknown."""
    if (place := _place_of(chat, message_id)) is None:
        return newest(chat, limit=limit)
    messages, earlier = _up(_of(chat, place > _PLACE), limit)
    return Part(messages, earlier, later=True)


def after(chat: Chat, message_id: str, *, limit: int) -> Part:
    """Up to `limit` messages after this one; the end where it is unknown."""
    if (place := _place_of(chat, message_id)) is None:
        return newest(chat, limit=limit)
    messages, later = _down(_of(chat, place < _PLACE), limit)
    return Part(messages, earlier=True, later=later)


def around(chat: Chat, message_id: str, *, limit: int) -> Part:
    """This message with half of `limit` on either side; the end where it is unknown."""
    if (place := _place_of(chat, message_id)) is None:
        return newest(chat, limit=limit)
    above, earlier = _up(_of(chat, place > _PLACE), limit // 2)
    below, later = _down(_of(chat, place <= _PLACE), limit - limit // 2)
    return Part(above + below, earlier, later)


def changed(chat: Chat, *, since: datetime, behind: str = "", limit: int) -> News:
    """What was written to at `since` or later, behind message `behind` of that very moment."""
    written = tuple_(Message.changed_at, Message.id)
    query = _all_of(chat, written > tuple_(since, behind)).order_by(Message.changed_at, Message.id)
    found = list(db.session.scalars(query.limit(limit + 1)))
    return News(found[:limit], more=len(found) > limit)


def first_unread(chat: Chat) -> str | None:
    """The id of the oldest message that nobody here has read; None where all were."""
    if not chat.unread:
        return None
    query = select(Message.id).where(Message.chat_id == chat.id, Message.direction == INCOMING)
    query = query.order_by(Message.shown_at.desc(), Message.id.desc())
    return db.session.scalar(query.offset(chat.unread - 1).limit(1))


def _of(chat: Chat, *conditions: ColumnElement[bool]) -> Select[Message]:
    return _all_of(chat, or_(Message.target_id.is_(None), Message.status.in_(OPEN)), *conditions)


def _all_of(chat: Chat, *conditions: ColumnElement[bool]) -> Select[Message]:
    query = select(Message).options(*_SHOWN)
    return query.where(and_(Message.chat_id == chat.id, *conditions))


def _place_of(chat: Chat, message_id: str) -> ColumnElement[tuple[datetime, str]] | None:
    message = db.session.get(Message, message_id)
    if message is None or message.chat_id != chat.id:
        return None
    return tuple_(message.shown_at, message.id)


def _up(query: Select[Message], limit: int) -> tuple[list[Message], bool]:
    query = query.order_by(Message.shown_at.desc(), Message.id.desc()).limit(limit + 1)
    found = list(db.session.scalars(query))
    return found[:limit][::-1], len(found) > limit


def _down(query: Select[Message], limit: int) -> tuple[list[Message], bool]:
    query = query.order_by(Message.shown_at, Message.id).limit(limit + 1)
    found = list(db.session.scalars(query))
    return found[:limit], len(found) > limit
