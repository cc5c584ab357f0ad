"""Messages: queued, sent, received, and how far each has come. The only writer of their status."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict, Invalid, NotFound
from app.core.events import Event, iso
from app.core.ids import new_id
from app.core.states import MessageStatus, before
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, Message, User
from app.models.chat import GROUP
from app.models.message import DISMISSED, FROM_PHONE, INCOMING, OUTGOING, RESENT
from app.services import activity, chats, webhooks
from app.transaction import hold, rows_changed

TEXT_LIMIT = 65_536
"""Characters of one text; WhatsApp's own limit."""
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that came from WhatsApp: from somebody, or sent on the phone of this account."""

    wa_id: str
    chat: Chat
    from_me: bool
    kind: str
    text: str
    at: datetime
    sender_phone: str | None
    sender_lid: str | None
    sender_name: str


def queue_text(
    instance: Instance,
    *,
    to: str,
    text: str,
    source: str,
    country: str,
    idempotency_key: str | None = None,
) -> Message:
    """A queued message to `to` (a number or a JID); the session's host sends it.

    The same `idempotency_key` again gives the same message. Raises Invalid (to, text), or
    Conflict when no phone was ever linked or the key was used for something else.
    """
    body = _checked_text(text)
    chat = chats.with_address(instance, to, country=country)
    if idempotency_key is not None:
        earlier = _by_key(instance, idempotency_key)
        if earlier is not None:
            return _same_or_conflict(earlier, chat, body)
    return _queue(instance, chat, body, source=source, idempotency_key=idempotency_key)


def queue_text_in(instance: Instance, chat: Chat, *, text: str, source: str) -> Message:
    """A queued message in a chat that is known already. Raises Invalid (text), or Conflict when
    the chat is of an account that is not linked any more."""
    _require_linked(instance, chat)
    return _queue(instance, chat, _checked_text(text), source=source, idempotency_key=None)


def resend(message: Message, *, source: str, actor: User | None = None) -> Message:
    """A new queued message in place of an unconfirmed one, which stays, marked as sent again.

    Raises Conflict when it is not unconfirmed, was settled, or its number is no longer linked.
    """
    instance = db.session.get_one(Instance, message.instance_id)
    _require_linked(instance, message.chat)
    _settle(message, RESENT)
    again = _queue(instance, message.chat, message.body, source=source, idempotency_key=None)
    message.resent_as_id = again.id
    activity.record("message:unconfirmed:resent", instance=instance, actor=actor)
    return again


def dismiss(message: Message, *, actor: User | None = None) -> None:
    """Leaves an unconfirmed message as it is; a receipt that comes later still counts.

    Raises Conflict when it is not unconfirmed or was settled.
    """
    _settle(message, DISMISSED)
    instance = db.session.get_one(Instance, message.instance_id)
    activity.record("message:unconfirmed:dismissed", instance=instance, actor=actor)


def retry(message: Message) -> None:
    """Queues a failed message again, under a new secret: the old one may stand for an id that
    WhatsApp refused. Raises Conflict when it did not fail or its number is no longer linked."""
    _require_linked(db.session.get_one(Instance, message.instance_id), message.chat)
    fresh = {"failure": None, "wa_id": None, "secret": secrets.token_bytes(SECRET_BYTES)}
    if not _advance(message, {MessageStatus.FAILED}, MessageStatus.QUEUED, **fresh):
        raise Conflict(N_("This message did not fail."), code="not_failed")
    bell.wake(message.instance_id)


def _require_linked(instance: Instance, chat: Chat) -> None:
    if chat.account_id != instance.account_id:
        message = N_("This chat belongs to a number that is no longer linked here.")
        raise Conflict(message, code="other_account")


def _settle(message: Message, decision: str) -> None:
    """Only one of several people who decide at once does."""
    open_question = Message.status == MessageStatus.UNCONFIRMED, Message.settled.is_(None)
    statement = update(Message).where(Message.id == message.id, *open_question)
    if rows_changed(statement.values(settled=decision)) != 1:
        raise Conflict(N_("This message is not unconfirmed any more."), code="not_unconfirmed")
    db.session.refresh(message)
    bell.changed(topics.chat(message.chat_id), topics.chats(message.instance_id))


def _queue(
    instance: Instance, chat: Chat, body: str, *, source: str, idempotency_key: str | None
) -> Message:
    hold(chat)
    now = utcnow()
    message = Message(
        id=new_id("msg", now),
        instance_id=instance.id,
        account_id=chat.account_id,
        chat_id=chat.id,
        direction=OUTGOING,
        source=source,
        body=body,
        secret=secrets.token_bytes(SECRET_BYTES),
        idempotency_key=idempotency_key,
        status=MessageStatus.QUEUED,
        created_at=now,
        shown_at=now,
    )
    db.session.add(message)
    db.session.flush()
    chats.touch(chat, text=body, at=now)
    bell.wake(instance.id)
    return message


def get_for(instance: Instance, message_id: str) -> Message:
    """The message, if it is the instance's. Raises NotFound otherwise."""
    message = db.session.get(Message, message_id)
    if message is None or message.instance_id != instance.id:
        raise NotFound(N_("There is no such message."), code="message_not_found")
    return message


def next_queued(instance_id: str, account_id: str) -> Message | None:
    """The oldest message that waits to be sent by this account."""
    return db.session.scalar(
        select(Message)
        .where(
            Message.instance_id == instance_id,
            Message.account_id == account_id,
            Message.status == MessageStatus.QUEUED,
        )
        .order_by(Message.id)
        .limit(1)
    )


def in_flight(account_id: str) -> list[Message]:
    """Messages that were being sent when their session ended, oldest first."""
    query = select(Message).where(
        Message.account_id == account_id, Message.status == MessageStatus.SENDING
    )
    return list(db.session.scalars(query.order_by(Message.id)))


def claim(message: Message) -> bool:
    """Takes a queued message for sending. False when it is queued no more."""
    return _advance(message, {MessageStatus.QUEUED}, MessageStatus.SENDING)


def put_back(message: Message) -> bool:
    """Returns a message that never left to the queue."""
    return _advance(message, {MessageStatus.SENDING}, MessageStatus.QUEUED)


def sent(message: Message, wa_id: str, at: datetime) -> bool:
    """WhatsApp accepted the message under `wa_id`: this is when `message_sent` is told."""
    lifted = _advance(
        message,
        {MessageStatus.SENDING, MessageStatus.UNCONFIRMED},
        MessageStatus.SENT,
        wa_id=wa_id,
        sent_at=_not_before_made(message, at),
    )
    if lifted:
        webhooks.emit(message.instance_id, Event.MESSAGE_SENT, payload_of(message))
    return lifted


def refused(message: Message, failure: str) -> bool:
    """The message will not be sent; `failure` is a slug that the page turns into words."""
    unsent = {MessageStatus.QUEUED, MessageStatus.SENDING}
    return _advance(message, unsent, MessageStatus.FAILED, failure=failure)


def unconfirmed(message: Message, wa_id: str | None) -> bool:
    """The message may have gone: never sent again by itself, never called failed."""
    return _advance(message, {MessageStatus.SENDING}, MessageStatus.UNCONFIRMED, wa_id=wa_id)


def receipt(
    account: LinkedAccount, wa_ids: Collection[str], status: MessageStatus, at: datetime
) -> set[str]:
    """Lifts our messages with these ids to `status`; a later status is never taken back.

    Returns the ids that no message has: of messages sent by another device, or of one whose id is
    not known yet because WhatsApp's answer to the send is still on its way.
    """
    query = select(Message).where(
        Message.account_id == account.id,
        Message.direction == OUTGOING,
        Message.wa_id.in_(wa_ids),
    )
    unknown = set(wa_ids)
    for message in db.session.scalars(query).all():
        unknown.discard(str(message.wa_id))
        _lift(message, status, at)
    return unknown


def _lift(message: Message, status: MessageStatus, at: datetime) -> None:
    """Moves the message up to `status` and tells so; that it was delivered is told too where no
    receipt of its own came: somebody may have chosen that event alone."""
    at = _not_before_made(message, at)
    times: dict[str, Any] = {} if message.sent_at else {"sent_at": at}
    steps: list[MessageStatus] = [] if status is MessageStatus.SENT else [status]
    if steps and message.delivered_at is None:
        times["delivered_at"] = at
        if status is not MessageStatus.DELIVERED:
            steps = [MessageStatus.DELIVERED, status]
    if status in {MessageStatus.READ, MessageStatus.PLAYED} and message.read_at is None:
        times["read_at"] = at
    was_unconfirmed = message.status == MessageStatus.UNCONFIRMED
    if not _advance(message, before(status) - {MessageStatus.QUEUED}, status, **times):
        return
    if was_unconfirmed:
        webhooks.emit(message.instance_id, Event.MESSAGE_SENT, payload_of(message))
    for step in steps:
        data = payload_of(message) | {"status": step.value, "timestamp": iso(at)}
        webhooks.emit(message.instance_id, Event.MESSAGE_STATUS, data)


def _not_before_made(message: Message, at: datetime) -> datetime:
    """WhatsApp's times are whole seconds: without this a message is delivered before it is made."""
    return max(at, message.created_at)


def store(arrival: Arrival, *, is_news: bool = True) -> Message | None:
    """The new message, its chat's line and its webhooks; None when it is stored already.

    What is no news, the phone's history, counts as read and is told to nobody. A message of ours
    that another device of the account has was accepted by WhatsApp, whatever was heard of it.
    """
    direction = OUTGOING if arrival.from_me else INCOMING
    if (known := _known(arrival, direction)) is not None:
        if arrival.from_me:
            _lift(known, MessageStatus.SENT, arrival.at)
        return None
    place = _place(arrival) if is_news else arrival.at
    message = Message(
        id=new_id("msg", utcnow()),
        instance_id=arrival.chat.instance_id,
        account_id=arrival.chat.account_id,
        chat_id=arrival.chat.id,
        direction=direction,
        source=FROM_PHONE if arrival.from_me else None,
        kind=arrival.kind,
        body=arrival.text,
        sender_lid=arrival.sender_lid,
        sender_phone=arrival.sender_phone,
        sender_name=arrival.sender_name[:100],
        wa_id=arrival.wa_id,
        status=MessageStatus.SENT if arrival.from_me else MessageStatus.RECEIVED,
        created_at=utcnow(),
        shown_at=place,
        sent_at=arrival.at if arrival.from_me else None,
    )
    db.session.add(message)
    db.session.flush()
    unread = 0 if arrival.from_me or not is_news else 1
    chats.touch(arrival.chat, text=arrival.text or arrival.kind, at=place, unread=unread)
    if is_news:
        event = Event.MESSAGE_SENT if arrival.from_me else Event.MESSAGE_RECEIVED
        webhooks.emit(message.instance_id, event, payload_of(message))
    return message


def _place(arrival: Arrival) -> datetime:
    """Where a message that just came stands. WhatsApp tells whole seconds: within one, what came
    later stands later (ties are broken by id)."""
    last = arrival.chat.last_at
    return last if arrival.at <= last < arrival.at + timedelta(seconds=1) else arrival.at


def payload_of(message: Message) -> dict[str, Any]:
    """The `data` of a webhook about this message: the specification's fields, and more."""
    chat = db.session.get_one(Chat, message.chat_id)
    return {
        "messageId": message.id,
        "whatsappId": message.wa_id,
        "from": _sender_of(message, chat),
        "fromLid": message.sender_lid,
        "chatId": chat.jid,
        "isGroup": chat.kind == GROUP,
        "pushName": message.sender_name,
        "type": message.kind,
        "body": message.body,
        "source": message.source,
        "timestamp": iso(message.shown_at),
    }


def _sender_of(message: Message, chat: Chat) -> str:
    if message.direction == OUTGOING:
        return f"{db.session.get_one(LinkedAccount, message.account_id).phone}@s.whatsapp.net"
    if message.sender_phone:
        return f"{message.sender_phone}@s.whatsapp.net"
    return f"{message.sender_lid}@lid" if message.sender_lid else chat.jid


def _known(arrival: Arrival, direction: str) -> Message | None:
    query = select(Message).where(
        Message.account_id == arrival.chat.account_id,
        Message.wa_id == arrival.wa_id,
        Message.direction == direction,
    )
    return db.session.scalar(query)


def _advance(
    message: Message,
    seen: set[MessageStatus] | frozenset[MessageStatus],
    to: MessageStatus,
    **values: Any,
) -> bool:
    """The one conditional UPDATE that moves a message; its row count says who was first."""
    statement = update(Message).where(Message.id == message.id, Message.status.in_(seen))
    if rows_changed(statement.values(status=to, **values)) != 1:
        return False
    db.session.refresh(message)
    bell.changed(topics.chat(message.chat_id), topics.chats(message.instance_id))
    return True


def _checked_text(text: str) -> str:
    if not text.strip():
        raise Invalid(N_("Write something first."), field="text", code="text_missing")
    if len(text) > TEXT_LIMIT:
        message = N_("The text may have at most %(count)d characters.")
        raise Invalid(message, field="text", code="text_too_long", count=TEXT_LIMIT)
    return text


def _by_key(instance: Instance, key: str) -> Message | None:
    return db.session.scalar(
        select(Message).where(Message.instance_id == instance.id, Message.idempotency_key == key)
    )


def _same_or_conflict(earlier: Message, chat: Chat, body: str) -> Message:
    if earlier.chat_id == chat.id and earlier.body == body:
        return earlier
    raise Conflict(
        N_("This Idempotency-Key was used for another message."), code="idempotency_conflict"
    )
