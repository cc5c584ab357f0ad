"""How far a message has come: the one UPDATE that moves it, and what it tells of that."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update

from app import bell, topics
from app.core.events import Event, iso
from app.core.states import MessageStatus, before
from app.extensions import db
from app.models import Message
from app.services import counting, metering, outbox
from app.services.message_payload import payload_of
from app.transaction import rows_changed


def advance(
    message: Message,
    seen: set[MessageStatus] | frozenset[MessageStatus],
    to: MessageStatus,
    **values: Any,
) -> bool:
    """The one conditional UPDATE that moves a message; its row count says who was first. What that
    means for the statistics is counted here, too."""
    statement = update(Message).where(Message.id == message.id, Message.status.in_(seen))
    if rows_changed(statement.values(status=to, **values)) != 1:
        return False
    db.session.refresh(message)
    metering.came_to(message, to)
    counting.moved(message, seen, to, values)
    bell.changed(topics.chat(message.chat_id), topics.chats(message.instance_id))
    return True


def lift(message: Message, status: MessageStatus, at: datetime) -> None:
    """Moves the message up to `status` and tells so; that it was delivered is told too where no
    receipt of its own came: somebody may have chosen that event alone."""
    at = not_before_made(message, at)
    times: dict[str, Any] = {} if message.sent_at else {"sent_at": at}
    steps: list[MessageStatus] = [] if status is MessageStatus.SENT else [status]
    if steps and message.delivered_at is None:
        times["delivered_at"] = at
        if status is not MessageStatus.DELIVERED:
            steps = [MessageStatus.DELIVERED, status]
    if status in {MessageStatus.READ, MessageStatus.PLAYED} and message.read_at is None:
        times["read_at"] = at
    was_unconfirmed = message.status == MessageStatus.UNCONFIRMED
    if not advance(message, before(status) - {MessageStatus.QUEUED}, status, **times):
        return
    if message.is_amendment:
        return
    if was_unconfirmed:
        outbox.emit(message.instance_id, Event.MESSAGE_SENT, payload_of(message))
    for step in steps:
        data = payload_of(message) | {"status": step.value, "timestamp": iso(at)}
        outbox.emit(message.instance_id, Event.MESSAGE_STATUS, data)


def not_before_made(message: Message, at: datetime) -> datetime:
    """WhatsApp's times are whole seconds: without this a message is delivered before it is made."""
    return max(at, message.created_at)
