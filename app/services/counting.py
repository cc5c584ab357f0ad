"""What statistics are made of, counted in the transaction of what happened.

What is counted is parked until the end of the transaction and added up there: a batch of events
costs one statement, and rows that everybody who works for an instance adds to are locked no longer
than the commit takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from app.core.media import MediaKind
from app.core.states import MessageStatus
from app.core.usage import (
    DELIVERED,
    FAILED,
    MEDIA_RECEIVED,
    MEDIA_SENT,
    READ,
    RECEIVED,
    SENT,
    WEBHOOK_CALLS,
    WEBHOOK_DELIVERED,
    WEBHOOK_MS,
    Grain,
    floor_of,
    reply_counter,
)
from app.extensions import db
from app.models import CHAT_USAGE, USAGE, Chat, FormerInstance, Instance, Message
from app.models.message import OUTGOING
from app.models.usage import NO_INSTANCE
from app.services import usage_rows
from app.services.usage_rows import Subject
from app.transaction import before_commit, rows_changed

MEDIA = frozenset(MediaKind)
NOT_SENT = frozenset({MessageStatus.FAILED, MessageStatus.EXPIRED})
OF_CHATS = frozenset({SENT, RECEIVED})
CHAT_GRAINS = (Grain.DAY, Grain.MONTH)


@dataclass(frozen=True, slots=True)
class Counted:
    """So many more of something, in the hour of `at`."""

    counter: str
    at: datetime
    instance_id: str = NO_INSTANCE
    owner_id: str | None = None  # None: the instance's
    chat_id: str | None = None
    number: int = 1


@dataclass(frozen=True, slots=True)
class Joined:
    """A chat has become one with another."""

    chat_id: str
    into_id: str


def count(counted: Counted) -> None:
    """Adds it to the statistics with the running transaction; a rollback forgets it."""
    before_commit(write, counted)


def stored(message: Message, chat: Chat) -> None:
    """A message that just came: from somebody, or sent on the phone of this account."""
    if message.direction == OUTGOING:
        _sent(message, chat)
        return
    _count(message, RECEIVED, message.shown_at)
    if message.kind in MEDIA:
        _count(message, MEDIA_RECEIVED, message.shown_at)
    if not chat.is_group and chat.waiting_since is None:
        chat.waiting_since = message.shown_at


def moved(
    message: Message, seen: Collection[str], to: MessageStatus, values: Mapping[str, Any]
) -> None:
    """A message of ours went from one of `seen` to `to`, and got `values`.

    What becomes of it counts in the hour in which it was sent, so that no more can be read than was
    sent; that it was not sent, in the hour in which it was made, for as long as that is so.
    """
    if message.is_amendment or message.is_history:
        return
    if to in NOT_SENT:
        _count(message, FAILED, message.created_at)
    elif MessageStatus.FAILED in seen:
        _count(message, FAILED, message.created_at, -1)
    if "sent_at" in values:
        _sent(message, message.chat)
    for column, counter in (("delivered_at", DELIVERED), ("read_at", READ)):
        if column in values and message.sent_at:
            _count(message, counter, message.sent_at)


def webhook_call(
    owner_id: str, instance_id: str | None, at: datetime, *, delivered: bool, milliseconds: int
) -> None:
    """A webhook was called at `at`, and took so long to answer."""
    numbers = {WEBHOOK_CALLS: 1, WEBHOOK_DELIVERED: int(delivered), WEBHOOK_MS: milliseconds}
    for counter, number in numbers.items():
        count(Counted(counter, at, instance_id or NO_INSTANCE, owner_id, number=number))


def remember(instance: Instance, now: datetime) -> None:
    """Keeps the name of an instance that is being deleted: what it did stays counted."""
    name, owner_id = instance.name, instance.owner_id
    db.session.add(FormerInstance(id=instance.id, owner_id=owner_id, name=name, deleted_at=now))


def join_chats(other: Chat, into: Chat) -> None:
    """What was written in a chat that becomes one with another was written in that one, and who
    waits for an answer there has waited since the first message of either."""
    query = select(CHAT_USAGE).where(CHAT_USAGE.c.chat_id == other.id)
    for row in db.session.execute(query).mappings().all():
        subject = Subject(row["owner_id"], row["instance_id"], into.id)
        numbers = {counter: row[counter] for counter in OF_CHATS}
        usage_rows.add(CHAT_USAGE, {(subject, row["start"]): numbers}, [Grain(row["grain"])])
    before_commit(write, Joined(other.id, into.id))
    since = [at for at in (other.waiting_since, into.waiting_since) if at]
    into.waiting_since = min(since, default=None)


def write(items: Sequence[Counted | Joined]) -> None:
    """Adds everything at once. Of an instance that is gone nothing is counted any more."""
    joined = {one.chat_id: one.into_id for one in items if isinstance(one, Joined)}
    counted = [one for one in items if isinstance(one, Counted)]
    owners = _owners_of({one.instance_id for one in counted if one.owner_id is None})
    sums: dict[tuple[Subject, datetime], Counter[str]] = {}
    in_chats: dict[tuple[Subject, datetime], Counter[str]] = {}
    for one in counted:
        owner_id = one.owner_id or owners.get(one.instance_id)
        if owner_id is None:
            continue
        subject, hour = Subject(owner_id, one.instance_id), floor_of(one.at, Grain.HOUR)
        sums.setdefault((subject, hour), Counter())[one.counter] += one.number
        if one.chat_id and one.counter in OF_CHATS:
            subject = subject._replace(chat_id=_last(joined, one.chat_id))
            in_chats.setdefault((subject, hour), Counter())[one.counter] += one.number
    usage_rows.add(USAGE, sums)
    usage_rows.add(CHAT_USAGE, in_chats, CHAT_GRAINS)


def _last(joined: Mapping[str, str], chat_id: str) -> str:
    while chat_id in joined:
        chat_id = joined[chat_id]
    return chat_id


def _owners_of(instance_ids: Iterable[str]) -> dict[str, str]:
    query = select(Instance.id, Instance.owner_id).where(Instance.id.in_(instance_ids))
    return {row.id: row.owner_id for row in db.session.execute(query)}


def _sent(message: Message, chat: Chat) -> None:
    if message.sent_at is None:
        return
    _count(message, SENT, message.sent_at)
    if message.kind in MEDIA:
        _count(message, MEDIA_SENT, message.sent_at)
    _answered(message, chat, message.sent_at)


def _answered(message: Message, chat: Chat, at: datetime) -> None:
    """The first answer to somebody who waits for one. The message keeps how long that was: it can
    be counted anew from there."""
    since = chat.waiting_since
    if since is None or at < since:
        return
    waiting = Chat.id == chat.id, Chat.waiting_since.is_not(None)
    if rows_changed(update(Chat).where(*waiting).values(waiting_since=None)) == 1:
        message.reply_seconds = int((at - since).total_seconds())
        _count(message, reply_counter(message.reply_seconds), at)


def _count(message: Message, counter: str, at: datetime, number: int = 1) -> None:
    count(Counted(counter, at, message.instance_id, chat_id=message.chat_id, number=number))
