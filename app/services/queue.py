"""The queue of an instance: what waits to be sent, why it waits, and taking it out again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, tuple_, update
from sqlalchemy.orm import joinedload, selectinload

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict, Invalid
from app.core.media import MediaState
from app.core.states import InstanceState, MessageStatus
from app.core.texts import N_
from app.extensions import db
from app.models import Instance, Message, User
from app.services import activity, metering, progress, sessions
from app.transaction import rows_changed

_SHOWN = (
    joinedload(Message.chat),
    joinedload(Message.media),
    joinedload(Message.quote),
    selectinload(Message.reactions),
    selectinload(Message.poll_votes),
)
REASON_LENGTH = 200


class Wait(StrEnum):
    """What a queued message waits for."""

    TURN = "turn"  # those before it, and the pace
    CONNECTION = "connection"
    LINK = "link"  # a phone has to be linked again
    TIME = "time"  # the moment it is scheduled for
    PAUSE = "pause"  # somebody to let the queue go on
    FILE = "file"  # its file to be made of what was uploaded
    OTHER_NUMBER = "other_number"  # its chat is of a number that is linked no more


@dataclass(frozen=True, slots=True)
class Place:
    """A message that is not sent yet."""

    message: Message
    position: int  # 1 is sent next; 0 is being sent
    wait: Wait | None  # None: it is being sent


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the queue, in the order it is sent in."""

    places: list[Place]
    total: int  # how many wait in all
    next: str | None  # the id to go on behind; None at the end


def page_of(instance: Instance, *, behind: str | None = None, limit: int = 50) -> Page:
    """Up to `limit` messages that wait, from behind the one with id `behind`; the first page has
    those that are being sent, too."""
    waiting = _waiting(instance)
    order = tuple_(Message.due_at, Message.id)
    last = db.session.get(Message, behind) if behind else None
    place = tuple_(last.due_at, last.id) if last is not None else None
    query = select(Message).where(waiting).options(*_SHOWN)
    if place is not None:
        query = query.where(place < order)
    query = query.order_by(Message.due_at, Message.id)
    found = list(db.session.scalars(query.limit(limit + 1)))
    total = count(instance)
    passed = _count(and_(waiting, place >= order)) if place is not None else 0
    shown = [
        Place(message, passed + number, _wait_of(instance, message))
        for number, message in enumerate(found[:limit], start=1)
    ]
    sending = [] if behind else [Place(message, 0, None) for message in _being_sent(instance)]
    return Page(sending + shown, total, found[limit - 1].id if len(found) > limit else None)


def count(instance: Instance) -> int:
    """How many messages wait."""
    return _count(_waiting(instance))


def cancel(message: Message, *, actor: User | None = None) -> None:
    """Takes a queued message out of the queue. Raises Conflict when it is being sent already, or
    was sent: WhatsApp takes nothing back."""
    if progress.advance(message, {MessageStatus.QUEUED}, MessageStatus.CANCELLED):
        instance = db.session.get_one(Instance, message.instance_id)
        activity.record("message:queue:cancelled", instance=instance, actor=actor, count=1)
        return
    db.session.refresh(message)
    if message.status == MessageStatus.SENDING:
        text = N_("This message is being sent and cannot be cancelled any more.")
        raise Conflict(text, code="being_sent")
    raise Conflict(N_("This message does not wait in the queue any more."), code="not_queued")


def cancel_all(instance: Instance, *, actor: User | None = None) -> int:
    """Takes everything that waits out of the queue, and says how much that was. What is being
    sent goes its way."""
    waiting = _waiting(instance)
    chat_ids = db.session.scalars(select(Message.chat_id).where(waiting).distinct()).all()
    kinds = db.session.execute(
        select(Message.kind, func.count()).where(waiting).group_by(Message.kind)
    )
    by_kind = dict(kinds.all())
    cancelled = rows_changed(update(Message).where(waiting).values(status=MessageStatus.CANCELLED))
    if cancelled:
        db.session.expire_all()
        activity.record("message:queue:cancelled", instance=instance, actor=actor, count=cancelled)
        for kind, number in by_kind.items():
            metering.cancelled(kind, number)
        bell.changed(topics.chats(instance.id), *map(topics.chat, chat_ids))
    return cancelled


def pause(instance: Instance, *, reason: str = "", actor: User) -> None:
    """Nothing of the queue is sent until it is resumed; what is being sent goes its way.

    Raises Invalid (reason), Conflict when it is paused already.
    """
    reason = " ".join(reason.split())
    if len(reason) > REASON_LENGTH:
        message = N_("The reason may have at most %(count)d characters.")
        raise Invalid(message, field="reason", code="reason_too_long", count=REASON_LENGTH)
    who = {"queue_paused_by": actor.name or actor.email, "queue_pause_reason": reason}
    if not _switch(instance, Instance.queue_paused_at.is_(None), queue_paused_at=utcnow(), **who):
        raise Conflict(N_("The queue is paused already."), code="queue_paused")
    activity.record("message:queue:paused", instance=instance, actor=actor, why=reason or "—")


def resume(instance: Instance, *, actor: User) -> None:
    """Lets the queue go on. Raises Conflict when it is not paused."""
    free = {"queue_paused_at": None, "queue_paused_by": "", "queue_pause_reason": ""}
    if not _switch(instance, Instance.queue_paused_at.is_not(None), **free):
        raise Conflict(N_("The queue is not paused."), code="queue_not_paused")
    activity.record("message:queue:resumed", instance=instance, actor=actor)
    bell.wake(instance.id)


def _switch(instance: Instance, seen: ColumnElement[bool], **values: Any) -> bool:
    """Whether this was the one of several at once that switched the queue."""
    changes = update(Instance).where(Instance.id == instance.id, seen).values(**values)
    if rows_changed(changes) != 1:
        return False
    db.session.refresh(instance)
    bell.changed(topics.instance(instance.id), topics.chats(instance.id))
    return True


def _waiting(instance: Instance) -> ColumnElement[bool]:
    return and_(Message.instance_id == instance.id, Message.status == MessageStatus.QUEUED)


def _being_sent(instance: Instance) -> list[Message]:
    query = select(Message).where(
        Message.instance_id == instance.id, Message.status == MessageStatus.SENDING
    )
    return list(db.session.scalars(query.options(*_SHOWN).order_by(Message.id)))


def _wait_of(instance: Instance, message: Message) -> Wait:
    if message.account_id != instance.account_id:
        return Wait.OTHER_NUMBER
    if message.due_at > utcnow():
        return Wait.TIME
    if instance.queue_paused_at is not None:
        return Wait.PAUSE
    if message.media is not None and message.media.state == MediaState.MAKING:
        return Wait.FILE
    if instance.instance_state is InstanceState.CONNECTED:
        return Wait.TURN
    return Wait.LINK if sessions.linked_account(instance) is None else Wait.CONNECTION


def _count(condition: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(Message).where(condition)) or 0
