"""What receipts say of our messages. In a chat of two the one person's receipt lifts the message;
in a group each person's is kept, and the message is delivered or read when it is so with all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, insert, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from app import bell, topics
from app.clock import utcnow
from app.core.states import MessageStatus, before
from app.extensions import db
from app.models import Chat, GroupMember, LinkedAccount, Message, MessageReceipt, WhatsAppContact
from app.models.message import OUTGOING
from app.services.people_names import Who, is_us, names_of
from app.services.progress import lift
from app.transaction import rows_changed

NOBODY: Who = (None, None)
_JUST, _MOST = timedelta(hours=1), 100
_STEPS: tuple[tuple[MessageStatus, InstrumentedAttribute[datetime | None]], ...] = (
    (MessageStatus.DELIVERED, MessageReceipt.delivered_at),
    (MessageStatus.READ, MessageReceipt.read_at),
    (MessageStatus.PLAYED, MessageReceipt.played_at),
)
"""In the order in which they come: the later ones imply the earlier."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far a message has come with one person, as it is shown."""

    name: str
    phone: str | None
    lid: str | None
    delivered_at: datetime | None
    read_at: datetime | None
    played_at: datetime | None

    @property
    def stage(self) -> MessageStatus | None:
        """How far it has come; None: not to the person's phone yet."""
        steps = (
            (MessageStatus.PLAYED, self.played_at),
            (MessageStatus.READ, self.read_at),
            (MessageStatus.DELIVERED, self.delivered_at),
        )
        return next((status for status, at in steps if at is not None), None)


def heard(
    account: LinkedAccount,
    wa_ids: Collection[str],
    status: MessageStatus,
    at: datetime,
    who: Who = NOBODY,
) -> set[str]:
    """A device of `who` says that it has come so far with our messages of these ids. A later status
    is never taken back, and the same receipt again changes nothing.

    Returns the ids that no message has: of messages sent by another device, or of one whose id is
    not known yet because WhatsApp's answer to the send is still on its way.
    """
    query = (
        select(Message)
        .options(joinedload(Message.chat))
        .where(
            Message.account_id == account.id,
            Message.direction == OUTGOING,
            Message.wa_id.in_(wa_ids),
        )
    )
    unknown, in_groups = set(wa_ids), []
    for message in db.session.scalars(query).all():
        unknown.discard(str(message.wa_id))
        if message.chat.is_group and not message.is_amendment:
            in_groups.append(message)
        else:
            lift(message, status, at)
    if in_groups:
        _heard_in_group(account, in_groups, status, at, who)
    return unknown


def expect(message: Message) -> None:
    """Notes from whom receipts are to come for a message of ours in a group: from all who are in it
    now but ourselves. Once that is known it stays so, whoever comes or goes."""
    if message.recipients is not None or message.is_amendment or not message.chat.is_group:
        return
    people = _others_in(message)
    nobody_was_first = Message.id == message.id, Message.recipients.is_(None)
    statement = update(Message).where(*nobody_was_first).values(recipients=len(people))
    if not people or rows_changed(statement) != 1:
        return
    db.session.refresh(message, ["recipients"])
    known = _known_of(message)
    rows = [
        {"message_id": message.id, "key": one.key, "phone": one.phone, "lid": one.lid}
        for one in people
        if not {one.phone, one.lid} & known
    ]
    if rows:
        db.session.execute(insert(MessageReceipt), rows)


def people_known(chat: Chat) -> None:
    """Who is in the group is known only now: messages that have just left wait for them, too."""
    query = select(Message).where(
        Message.chat_id == chat.id,
        Message.shown_at > utcnow() - _JUST,
        Message.direction == OUTGOING,
        Message.recipients.is_(None),
        Message.wa_id.is_not(None),
        Message.target_id.is_(None),
    )
    db.session.flush()
    messages = db.session.scalars(query.order_by(Message.shown_at.desc()).limit(_MOST)).all()
    for message in messages:
        expect(message)
    _lift(messages, MessageStatus.PLAYED)


def of(message: Message) -> list[Receipt]:
    """How far a message of ours has come with each of its people, by name; nobody where that is not
    known. At most seven queries, however large the group."""
    if message.direction != OUTGOING or message.is_amendment or not message.wa_id:
        return []
    if not message.chat.is_group:
        chat, times = message.chat, (message.delivered_at, message.read_at, None)
        return [Receipt(chat.shown_name, chat.phone, chat.lid, *times)]
    query = select(MessageReceipt).where(MessageReceipt.message_id == message.id)
    rows = db.session.scalars(query).all()
    names = names_of(message.chat, [(row.phone, row.lid) for row in rows])
    found = [
        Receipt(
            names.of(row.phone, row.lid),
            row.phone or names.numbers.get(row.lid or ""),
            row.lid,
            row.delivered_at,
            row.read_at,
            row.played_at,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: one.name.casefold())


def _heard_in_group(
    account: LinkedAccount,
    messages: Sequence[Message],
    status: MessageStatus,
    at: datetime,
    who: Who,
) -> None:
    for message in messages:  # it has left, whoever has it
        if message.status in before(MessageStatus.SENT):
            lift(message, MessageStatus.SENT, at)
    if status is MessageStatus.SENT or not any(who) or is_us(account, who):
        return
    for message in messages:
        expect(message)
    missing = _write(who, [one.id for one in messages], status, at)
    if missing and (more := _known_as(account, who)) != who:
        missing = _write(more, missing, status, at)
    _add(who, missing, status, at)
    _lift(messages, status)
    bell.changed(*{topics.receipts(one.chat_id) for one in messages})


def _write(who: Who, message_ids: list[str], status: MessageStatus, at: datetime) -> list[str]:
    """Puts it down with the person, the earliest time of several; those of the messages where the
    person is not known."""
    theirs = MessageReceipt.message_id.in_(message_ids), _is(who)
    earliest: dict[Any, Any] = {
        column: case((or_(column.is_(None), column > at), at), else_=column)
        for column in _columns(status)
    }
    if rows_changed(update(MessageReceipt).where(*theirs).values(earliest)) == len(message_ids):
        return []
    found = set(db.session.scalars(select(MessageReceipt.message_id).where(*theirs)))
    return [one for one in message_ids if one not in found]


def _add(who: Who, message_ids: Iterable[str], status: MessageStatus, at: datetime) -> None:
    """Somebody who was not known to be in the group has it all the same."""
    phone, lid = who
    person = {"key": lid or phone, "phone": phone, "lid": lid}
    times = {column.key: at for column in _columns(status)}
    rows = [{"message_id": one, **person, **times} for one in message_ids]
    if rows:
        db.session.execute(insert(MessageReceipt), rows)


def _lift(messages: Sequence[Message], status: MessageStatus) -> None:
    """Moves those messages up that have come so far with all."""
    for step, column in _STEPS:
        waiting = [
            one for one in messages if one.recipients is not None and one.status in before(step)
        ]
        latest = _complete([one.id for one in waiting], column)
        for message in waiting:
            if message.id in latest:
                lift(message, step, latest[message.id])
        if step is status:
            return


def _complete(
    message_ids: list[str], column: InstrumentedAttribute[datetime | None]
) -> dict[str, datetime]:
    """Of the messages that nobody is missing for, when the last one was."""
    if not message_ids:
        return {}
    missing = select(MessageReceipt.key).where(
        MessageReceipt.message_id == Message.id, column.is_(None)
    )
    query = select(Message.id).where(Message.id.in_(message_ids), ~missing.exists())
    complete = db.session.scalars(query).all()
    if not complete:
        return {}
    latest = (
        select(MessageReceipt.message_id, func.max(column))
        .where(MessageReceipt.message_id.in_(complete))
        .group_by(MessageReceipt.message_id)
    )
    return {message_id: at for message_id, at in db.session.execute(latest) if at}


def _columns(status: MessageStatus) -> list[InstrumentedAttribute[datetime | None]]:
    """What a status says: who has played it has read it, who has read it has it."""
    steps = [step for step, _ in _STEPS]
    return [column for _, column in _STEPS[: steps.index(status) + 1]]


def _is(who: Who) -> ColumnElement[bool]:
    phone, lid = who
    known = [MessageReceipt.phone == phone] if phone else []
    return or_(*known, *([MessageReceipt.lid == lid] if lid else []))


def _known_as(account: LinkedAccount, who: Who) -> Who:
    """The person with the other of the two names, where the account's contacts know it."""
    phone, lid = who
    if phone and lid:
        return who
    column, value = (WhatsAppContact.phone, phone) if phone else (WhatsAppContact.lid, lid)
    query = select(WhatsAppContact).where(WhatsAppContact.account_id == account.id, column == value)
    found = db.session.scalar(query.limit(1))
    return (found.phone or phone, found.lid or lid) if found else who


def _known_of(message: Message) -> set[str | None]:
    query = select(MessageReceipt.phone, MessageReceipt.lid)
    rows = db.session.execute(query.where(MessageReceipt.message_id == message.id))
    return {one for row in rows for one in row} - {None}


def _others_in(message: Message) -> list[GroupMember]:
    account = db.session.get_one(LinkedAccount, message.account_id)
    query = select(GroupMember).where(GroupMember.chat_id == message.chat_id)
    return [one for one in db.session.scalars(query) if not is_us(account, (one.phone, one.lid))]
