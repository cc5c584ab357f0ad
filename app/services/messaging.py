"""Messages: queued, sent, received, and how far each has come. The only writer of their status."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import select, update

from app import bell, topics
from app.clock import utcnow
from app.core.details import Said, as_data, kind_of, said_in, text_of
from app.core.errors import Conflict, Invalid, NotFound
from app.core.events import Event, iso
from app.core.ids import new_id
from app.core.states import MessageStatus
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Instance, Message, User
from app.models.message import DISMISSED, OUTGOING, RESENT, TEXT
from app.services import activity, chats, making, media, mentions, outbox, quotes, receipts, repeats
from app.services.detail_rules import checked
from app.services.message_payload import payload_of
from app.services.progress import advance, not_before_made
from app.services.timing import AT_ONCE, Timing, expired, may_go
from app.transaction import hold, rows_changed

TEXT_LIMIT = 65_536
"""Characters of one text; WhatsApp's own limit."""
SECRET_BYTES = 32


def queue_text(
    instance: Instance,
    *,
    to: str,
    text: str,
    source: str,
    country: str,
    idempotency_key: str | None = None,
    timing: Timing = AT_ONCE,
    reply_to: str | None = None,
) -> Message:
    """A queued message to `to` (a number or a JID); the session's host sends it.

    `reply_to`: the id of the message it answers. The same `idempotency_key` again gives the same
    message. Raises Invalid (to, text, send_at, ttl, replyTo), or Conflict when no phone was ever
    linked or the key was used for something else.
    """
    body = checked_text(text)
    chat = chats.with_address(instance, to, country=country)
    original = quotes.original_for(chat, reply_to)
    return queue_once(instance, chat, body, source, idempotency_key, timing, original=original)


def queue_text_in(
    instance: Instance,
    chat: Chat,
    *,
    text: str,
    source: str,
    idempotency_key: str | None = None,
    timing: Timing = AT_ONCE,
    reply_to: str | None = None,
) -> Message:
    """A queued message in a chat that is known already. Raises Invalid (text, send_at, ttl,
    replyTo), or Conflict when its account is not linked any more or the key was used otherwise."""
    require_linked(instance, chat)
    body, original = checked_text(text), quotes.original_for(chat, reply_to)
    return queue_once(instance, chat, body, source, idempotency_key, timing, original=original)


def queue_details(
    instance: Instance,
    said: Said,
    *,
    to: str,
    source: str,
    country: str,
    idempotency_key: str | None = None,
    timing: Timing = AT_ONCE,
    reply_to: str | None = None,
) -> Message:
    """A queued message with a place, contact cards or a poll. Raises as queue_text does, and
    Invalid for what detail_rules finds wrong with it."""
    said = checked(said, country=country)
    chat = chats.with_address(instance, to, country=country)
    original = quotes.original_for(chat, reply_to)
    body = text_of(said)
    return queue_once(
        instance, chat, body, source, idempotency_key, timing, original=original, said=said
    )


def queue_details_in(
    instance: Instance,
    chat: Chat,
    said: Said,
    *,
    source: str,
    country: str,
    idempotency_key: str | None = None,
    timing: Timing = AT_ONCE,
    reply_to: str | None = None,
) -> Message:
    """The same in a chat that is known already. Raises as queue_text_in does, and Invalid for what
    detail_rules finds wrong with it."""
    require_linked(instance, chat)
    said, original = checked(said, country=country), quotes.original_for(chat, reply_to)
    body = text_of(said)
    return queue_once(
        instance, chat, body, source, idempotency_key, timing, original=original, said=said
    )


def resend(message: Message, *, source: str, actor: User | None = None) -> Message:
    """A new queued message in place of an unconfirmed one, which stays, marked as sent again.

    Raises Conflict when it is not unconfirmed, was settled, its number is no longer linked, or
    nothing may be written in its chat.
    """
    instance = db.session.get_one(Instance, message.instance_id)
    require_linked(instance, message.chat)
    chats.require_may_write(message.chat)
    _settle(message, RESENT)
    file = media.again(message.media) if message.media else None
    original = db.session.get(Message, message.quote.original_id) if message.quote else None
    said = said_in(message.details) if message.details else None
    again = _queue(
        instance,
        message.chat,
        message.body,
        source,
        None,
        file=file,
        original=original,
        said=said,
        forwarded=message.forwarded,
    )
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
    WhatsApp refused. Raises Conflict when it did not fail, its number is no longer linked, or
    nothing may be written in its chat."""
    require_linked(db.session.get_one(Instance, message.instance_id), message.chat)
    chats.require_may_write(message.chat)
    fresh = {"failure": None, "wa_id": None, "secret": secrets.token_bytes(SECRET_BYTES)}
    if not advance(message, {MessageStatus.FAILED}, MessageStatus.QUEUED, **fresh):
        raise Conflict(N_("This message did not fail."), code="not_failed")
    making.begin_again(message)
    bell.wake(message.instance_id)


def require_linked(instance: Instance, chat: Chat) -> None:
    """Raises Conflict when the chat is of an account that is not linked any more."""
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


def queue_once(
    instance: Instance,
    chat: Chat,
    body: str,
    source: str,
    idempotency_key: str | None,
    timing: Timing = AT_ONCE,
    file: media.NewFile | None = None,
    original: Message | None = None,
    said: Said | None = None,
    forwarded: int = 0,
) -> Message:
    """A queued message, or the one that was queued under the same key. Raises Conflict when that
    was for something else. For what was checked already."""
    earlier = repeats.earlier(instance, idempotency_key, source)
    if earlier is not None:
        repeats.check_same(earlier, chat, body, timing, file, original, said)
        return earlier
    timing.check()
    chats.require_may_write(chat)
    return _queue(
        instance, chat, body, source, idempotency_key, timing, file, original, said, forwarded
    )


def _queue(
    instance: Instance,
    chat: Chat,
    body: str,
    source: str,
    idempotency_key: str | None,
    timing: Timing = AT_ONCE,
    file: media.NewFile | None = None,
    original: Message | None = None,
    said: Said | None = None,
    forwarded: int = 0,
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
        kind=file.facts.kind.value if file else kind_of(said) if said else TEXT,
        body=body,
        details=as_data(said) if said else None,
        forwarded=forwarded,
        mentions=[list(who) for who in mentions.of_text(chat, body)] or None,
        secret=secrets.token_bytes(SECRET_BYTES),
        idempotency_key=idempotency_key,
        status=MessageStatus.QUEUED,
        created_at=now,
        **timing.values(now),
    )
    db.session.add(message)
    db.session.flush()
    if file is not None:
        media.attach(message, file)
    if original is not None:
        quotes.attach(message, original)
    if timing.is_later(now):
        bell.changed(topics.chat(chat.id), topics.chats(instance.id))
    else:
        chats.touch(chat, text=message.line_text, kind=message.kind, at=now)
    bell.wake(instance.id)
    return message


def get_for(instance: Instance, message_id: str) -> Message:
    """The message, if it is the instance's. Raises NotFound otherwise."""
    message = db.session.get(Message, message_id)
    if message is None or message.instance_id != instance.id:
        raise NotFound(N_("There is no such message."), code="message_not_found")
    return message


def next_queued(instance_id: str, account_id: str) -> Message | None:
    """The first message of the queue that may be sent by this account now."""
    return db.session.scalar(
        select(Message)
        .join(Instance, Instance.id == Message.instance_id)
        .where(
            Message.instance_id == instance_id,
            Message.account_id == account_id,
            may_go(utcnow()),
            making.not_held_up(instance_id),
        )
        .order_by(Message.due_at, Message.id)
        .limit(1)
    )


def in_flight(account_id: str) -> list[Message]:
    """Messages that were being sent when their session ended, oldest first."""
    query = select(Message).where(
        Message.account_id == account_id, Message.status == MessageStatus.SENDING
    )
    return list(db.session.scalars(query.order_by(Message.id)))


def claim(message: Message) -> bool:
    """Takes a queued message for sending. False when it is queued no more. One that waited for its
    time comes to the end of the conversation now."""
    if message.send_at is None:
        return advance(message, {MessageStatus.QUEUED}, MessageStatus.SENDING)
    now, chat = utcnow(), message.chat
    hold(chat)
    if not advance(message, {MessageStatus.QUEUED}, MessageStatus.SENDING, shown_at=now):
        return False
    chats.touch(chat, text=message.line_text, kind=message.kind, at=now)
    return True


def expire(instance_id: str | None = None) -> int:
    """Ends queued messages whose time is over, and says how many; of one instance, or of all."""
    return sum(_expire(message) for message in expired(instance_id))


def put_back(message: Message) -> bool:
    """Returns a message that never left to the queue."""
    return advance(message, {MessageStatus.SENDING}, MessageStatus.QUEUED)


def sent(message: Message, wa_id: str, at: datetime) -> bool:
    """WhatsApp accepted the message under `wa_id`: this is when `message_sent` is told."""
    lifted = advance(
        message,
        {MessageStatus.SENDING, MessageStatus.UNCONFIRMED},
        MessageStatus.SENT,
        wa_id=wa_id,
        sent_at=not_before_made(message, at),
    )
    if lifted and not message.is_amendment:
        receipts.expect(message)
        outbox.emit(message.instance_id, Event.MESSAGE_SENT, payload_of(message))
    return lifted


def refused(message: Message, failure: str) -> bool:
    """The message will not be sent; `failure` is a slug that the page turns into words."""
    unsent = {MessageStatus.QUEUED, MessageStatus.SENDING}
    moved = advance(message, unsent, MessageStatus.FAILED, failure=failure)
    if moved:
        _tell(Event.MESSAGE_FAILED, message, reason=failure)
    return moved


def unconfirmed(message: Message, wa_id: str | None) -> bool:
    """The message may have gone: never sent again by itself, never called failed. An amendment is:
    said once more it changes nothing."""
    if message.is_amendment:
        return put_back(message)
    moved = advance(message, {MessageStatus.SENDING}, MessageStatus.UNCONFIRMED, wa_id=wa_id)
    if moved:
        _tell(Event.MESSAGE_UNCONFIRMED, message)
    return moved


def _expire(message: Message) -> bool:
    moved = advance(message, {MessageStatus.QUEUED}, MessageStatus.EXPIRED)
    if moved:
        _tell(Event.MESSAGE_FAILED, message, reason="expired")
    return moved


def _tell(event: Event, message: Message, **more: str) -> None:
    """An event on a message that happened just now."""
    data = payload_of(message) | more | {"timestamp": iso(utcnow())}
    outbox.emit(message.instance_id, event, data)


def checked_text(text: str) -> str:
    """`text` itself. Raises Invalid (text)."""
    if not text.strip():
        raise Invalid(N_("Write something first."), field="text", code="text_missing")
    if len(text) > TEXT_LIMIT:
        message = N_("The text may have at most %(count)d characters.")
        raise Invalid(message, field="text", code="text_too_long", count=TEXT_LIMIT)
    return text
