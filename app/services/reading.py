"""What people here have read, and telling WhatsApp so: a row for each message, in the transaction
that forgets the unread count; the session's thread tells them (app/sessions/read_marks.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, select, update

from app import bell
from app.clock import utcnow
from app.core.chat_settings import Aspect
from app.core.phones import lid_jid, phone_jid
from app.core.reading import ReadReceipts
from app.extensions import db
from app.models import Chat, Instance, Message, ReadMark
from app.models.message import INCOMING
from app.services import chat_wishes, chats
from app.transaction import hold, rows_changed

MOST = 500
"""Messages of a chat that are told at once; of more that are unread, the newest."""
TOGETHER = 100
"""Messages in one receipt."""
TRIES = 5
AGAIN_IN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Messages of one sender in one chat: our ids and WhatsApp's, the JIDs of chat and sender."""

    message_ids: list[str]
    wa_ids: list[str]
    chat: str
    sender: str


def opened(instance: Instance, chat: Chat) -> None:
    """Somebody looks at the chat here: nothing in it is unread, and WhatsApp is told where the
    instance is to do so."""
    hold(chat)
    if instance.read_receipts == ReadReceipts.OPENING:
        _want(instance, chat, chat.unread)
    _take_off_mark(chat)
    chats.mark_read(chat)


def asked(instance: Instance, chat: Chat) -> int:
    """A program has read the chat: nothing in it is unread, and WhatsApp is told, of the newest
    message even where none counts as unread. The number of messages that are told."""
    hold(chat)
    told = _want(instance, chat, max(chat.unread, 1))
    _take_off_mark(chat)
    chats.mark_read(chat)
    return told


def next_receipt(account_id: str) -> Receipt | None:
    """What is to be told now; None where nothing is."""
    now = utcnow()
    due = select(Message).join(ReadMark, ReadMark.message_id == Message.id)
    due = due.where(ReadMark.account_id == account_id, ReadMark.due_at <= now)
    due = due.order_by(ReadMark.due_at, ReadMark.message_id)
    first = db.session.scalar(due.limit(1))
    if first is None:
        return None
    found = list(
        db.session.scalars(
            due.where(
                Message.chat_id == first.chat_id,
                Message.sender_lid.is_not_distinct_from(first.sender_lid),
                Message.sender_phone.is_not_distinct_from(first.sender_phone),
            ).limit(TOGETHER)
        )
    )
    sender = _sender(first)
    chat = first.chat.jid if first.chat.is_group else sender
    return Receipt([one.id for one in found], [str(one.wa_id) for one in found], chat, sender)


def told(message_ids: Sequence[str]) -> None:
    """WhatsApp knows."""
    db.session.execute(delete(ReadMark).where(ReadMark.message_id.in_(message_ids)))


def refused(message_ids: Sequence[str]) -> None:
    """WhatsApp could not be told: that is tried again, a few times."""
    these = ReadMark.message_id.in_(message_ids)
    later = {"due_at": utcnow() + AGAIN_IN, "tries": ReadMark.tries + 1}
    rows_changed(update(ReadMark).where(these).values(later))
    db.session.execute(delete(ReadMark).where(these, ReadMark.tries >= TRIES))


def is_due(now: datetime) -> ColumnElement[bool]:
    """True for the marks of an instance of which WhatsApp is to be told at `now`."""
    return and_(ReadMark.account_id == Instance.account_id, ReadMark.due_at <= now)


def _take_off_mark(chat: Chat) -> None:
    """The phone bears the mark, too."""
    if chat.marked_unread:
        chat_wishes.want(chat, Aspect.UNREAD, False)


def _want(instance: Instance, chat: Chat, count: int) -> int:
    """The newest `count` messages of people are to be told; how many there are. None in a chat of a
    number that is linked no more."""
    if not count or chat.account_id != instance.account_id:
        return 0
    newest = select(Message.id).where(Message.chat_id == chat.id, Message.direction == INCOMING)
    newest = newest.order_by(Message.shown_at.desc(), Message.id.desc()).limit(min(count, MOST))
    ids = list(db.session.scalars(newest))
    known = set(db.session.scalars(select(ReadMark.message_id).where(ReadMark.message_id.in_(ids))))
    now = utcnow()
    db.session.add_all(
        ReadMark(message_id=one, account_id=chat.account_id, due_at=now)
        for one in reversed(ids)
        if one not in known
    )
    bell.wake(instance.id)
    return len(ids)


def _sender(message: Message) -> str:
    if message.sender_lid:
        return lid_jid(message.sender_lid)
    return phone_jid(message.sender_phone) if message.sender_phone else message.chat.jid
