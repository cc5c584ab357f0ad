"""What the phone is still to be told of how chats are kept here: a row for each aspect of a chat,
in the transaction that keeps it so; the session's thread tells it (app/sessions/chat_settings.py).

The newest wish of an aspect takes the place of the one before. To tell it twice changes nothing, so
after a crash it is told again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.chat_settings import Aspect, LastMessage
from app.core.ids import new_id
from app.core.phones import lid_jid, phone_jid
from app.extensions import db
from app.models import Chat, ChatWish, Instance, Message, PhoneSettings
from app.models.message import OUTGOING
from app.transaction import hold, rows_changed

TRIES = 5
AGAIN_IN = timedelta(seconds=30)
OFFLINE_FOR = timedelta(seconds=3)
"""After the connection was lost; that is no try."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing to tell: of which chat, by our id and as the phone names it, and what."""

    id: str
    chat_id: str
    jid: str
    aspect: Aspect
    wanted: bool
    until: datetime | None
    last: LastMessage | None
    tries: int


def want(chat: Chat, aspect: Aspect, wanted: bool, *, until: datetime | None = None) -> None:
    """The phone is to keep the chat so. Nothing in a chat of a number that is linked no more."""
    instance = db.session.get_one(Instance, chat.instance_id)
    if instance.account_id != chat.account_id:
        return
    forget(chat, aspect)
    now = utcnow()
    db.session.add(
        ChatWish(
            id=new_id("cwi", now),
            chat_id=chat.id,
            account_id=chat.account_id,
            aspect=aspect,
            wanted=wanted,
            until=until,
            due_at=now,
        )
    )
    db.session.flush()
    bell.wake(instance.id)


def forget(chat: Chat, aspect: Aspect) -> None:
    """This is not to be told any more."""
    these = ChatWish.chat_id == chat.id, ChatWish.aspect == aspect
    db.session.execute(delete(ChatWish).where(*these))
    if chat.phone_trouble is not None:
        chat.phone_trouble = _trouble_of(chat.id)
        db.session.flush()


def next_wish(account_id: str) -> Wish | None:
    """What is to be told now; None where nothing is."""
    due = select(ChatWish).where(ChatWish.account_id == account_id, ChatWish.due_at <= utcnow())
    found = db.session.scalar(due.order_by(ChatWish.due_at, ChatWish.id).limit(1))
    if found is None:
        return None
    chat = db.session.get_one(Chat, found.chat_id)
    until, wanted = found.until, found.wanted
    return Wish(
        found.id,
        chat.id,
        _name_on_the_phone(chat),
        Aspect(found.aspect),
        wanted and (until is None or until > utcnow()),  # it may have run out while it waited
        until,
        _last_message(chat),
        found.tries,
    )


def told(wish: Wish) -> None:
    """WhatsApp has taken it: what is heard of it from now on is no news."""
    db.session.execute(delete(ChatWish).where(ChatWish.id == wish.id))
    if wish.aspect is Aspect.UNREAD or db.session.get(Chat, wish.chat_id) is None:
        return
    heard = db.session.get(PhoneSettings, (wish.chat_id, wish.jid))
    if heard is None:
        heard = PhoneSettings(chat_id=wish.chat_id, jid=wish.jid, archived=False, pinned=False)
        db.session.add(heard)
    if wish.aspect is Aspect.ARCHIVED:
        heard.archived = wish.wanted
        heard.pinned = heard.pinned and not wish.wanted
    elif wish.aspect is Aspect.PINNED:
        heard.pinned = wish.wanted
    else:
        heard.muted_until = wish.until if wish.wanted else None
    db.session.flush()


def put_off(wish: Wish) -> None:
    """There was no connection: it is told soon after there is one."""
    later = {"due_at": utcnow() + OFFLINE_FOR}
    rows_changed(update(ChatWish).where(ChatWish.id == wish.id).values(later))


def not_taken(wish: Wish, slug: str, *, for_good: bool) -> None:
    """WhatsApp did not take it: that is tried again, a few times, unless it is no use. Then the row
    stays to say why, and the chat is kept here as it was wanted."""
    chat = db.session.get(Chat, wish.chat_id)
    if chat is None:
        return
    hold(chat)
    given_up = for_good or wish.tries + 1 >= TRIES
    values = {
        "tries": ChatWish.tries + 1,
        "due_at": None if given_up else utcnow() + AGAIN_IN,
        "failure": slug[:60] if given_up else None,
    }
    changed = rows_changed(update(ChatWish).where(ChatWish.id == wish.id).values(values))
    if changed and given_up:
        chat.phone_trouble = slug[:60]
        db.session.flush()
        bell.changed(topics.chat(chat.id))


def is_archived_there(chat: Chat) -> bool:
    """Whether the phone has the chat in its archive, as far as was heard."""
    these = PhoneSettings.chat_id == chat.id, PhoneSettings.archived
    return db.session.scalar(select(PhoneSettings.jid).where(*these).limit(1)) is not None


def is_due(now: datetime) -> ColumnElement[bool]:
    """True for what the phone of an instance is to be told at `now`."""
    return and_(ChatWish.account_id == Instance.account_id, ChatWish.due_at <= now)


def waiting(chat: Chat) -> set[str]:
    """The aspects of the chat that the phone is still to be told of."""
    these = ChatWish.chat_id == chat.id, ChatWish.due_at.is_not(None)
    return set(db.session.scalars(select(ChatWish.aspect).where(*these)))


def move(other: Chat, into: Chat) -> None:
    """Two chats become one: what was wanted of either is wanted of it, the newer where both are."""
    both = ChatWish.chat_id.in_((other.id, into.id))
    newest: set[str] = set()
    for wish in db.session.scalars(select(ChatWish).where(both).order_by(ChatWish.id.desc())):
        if wish.aspect in newest:
            db.session.delete(wish)
            db.session.flush()
        newest.add(wish.aspect)
    rows_changed(update(ChatWish).where(ChatWish.chat_id == other.id).values(chat_id=into.id))
    into.phone_trouble = _trouble_of(into.id)


def _trouble_of(chat_id: str) -> str | None:
    these = ChatWish.chat_id == chat_id, ChatWish.failure.is_not(None)
    return db.session.scalar(select(ChatWish.failure).where(*these).limit(1))


def _name_on_the_phone(chat: Chat) -> str:
    """The address that the phone used for the chat last; ours where it never did."""
    query = select(PhoneSettings.jid).where(PhoneSettings.chat_id == chat.id)
    return db.session.scalar(query.order_by(PhoneSettings.changed_at.desc()).limit(1)) or chat.jid


def _last_message(chat: Chat) -> LastMessage | None:
    query = select(Message).where(Message.chat_id == chat.id, Message.wa_id.is_not(None))
    query = query.order_by(Message.shown_at.desc(), Message.id.desc()).limit(1)
    message = db.session.scalar(query)
    if message is None:
        return None
    from_me = message.direction == OUTGOING
    author = None
    if chat.is_group and not from_me:
        author = lid_jid(message.sender_lid) if message.sender_lid else None
        if author is None and message.sender_phone:
            author = phone_jid(message.sender_phone)
    return LastMessage(str(message.wa_id), from_me, message.shown_at, author)
