"""Messages that come from WhatsApp: from somebody, or sent on another device of the account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from app.clock import utcnow
from app.core.details import Said, as_data
from app.core.events import Event
from app.core.ids import new_id
from app.core.states import MessageStatus
from app.extensions import db
from app.models import Chat, Message
from app.models.message import FROM_PHONE, INCOMING, KIND_LENGTH, OUTGOING
from app.services import chats, counting, media, metering, outbox, quotes, receipts
from app.services.message_payload import payload_of
from app.services.people_names import Who
from app.services.progress import lift


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
    file: media.ArrivedFile | None = None
    quote: quotes.ArrivedQuote | None = None
    said: Said | None = None
    forwarded: int = 0
    mentions: Sequence[Who] = ()
    secret: bytes | None = None
    """Of a poll: the key to its votes."""
    status: MessageStatus | None = None
    """Of one of ours that is no news: how far it is known to have come."""


def store(arrival: Arrival, *, is_news: bool = True) -> Message | None:
    """The new message, its chat's line and its webhooks; None when it is stored already.

    What is no news, the phone's history, is not counted, neither as unread nor in statistics, and
    told to nobody. A message of ours that another device of the account has was accepted by
    WhatsApp, whatever was heard of it.
    """
    direction = OUTGOING if arrival.from_me else INCOMING
    if (known := _known(arrival, direction)) is not None:
        if arrival.from_me:
            lift(known, MessageStatus.SENT, arrival.at)
        return None
    place = _place(arrival) if is_news else arrival.at
    message = Message(
        id=new_id("msg", utcnow()),
        instance_id=arrival.chat.instance_id,
        account_id=arrival.chat.account_id,
        chat_id=arrival.chat.id,
        direction=direction,
        source=FROM_PHONE if arrival.from_me else None,
        kind=arrival.kind[:KIND_LENGTH],  # what is not understood is named by the sender's field
        body=arrival.text,
        details=as_data(arrival.said) if arrival.said else None,
        forwarded=arrival.forwarded,
        mentions=[list(who) for who in arrival.mentions] or None,
        sender_lid=arrival.sender_lid,
        sender_phone=arrival.sender_phone,
        sender_name=arrival.sender_name[:100],
        wa_id=arrival.wa_id,
        secret=arrival.secret,
        status=_status(arrival),
        created_at=utcnow(),
        shown_at=place,
        is_history=not is_news,
        sent_at=arrival.at if arrival.from_me else None,
    )
    db.session.add(message)
    db.session.flush()
    if arrival.file is not None:
        media.expect(message, arrival.file, is_news=is_news)
    if arrival.quote is not None:
        quotes.keep(message, arrival.quote)
    if arrival.from_me and is_news:
        receipts.expect(message)
    unread = 0 if arrival.from_me or not is_news else 1
    chats.touch(arrival.chat, text=message.line_text, kind=message.kind, at=place, unread=unread)
    if is_news:
        metering.came_to(message, MessageStatus(message.status))
        counting.stored(message, arrival.chat)
        event = Event.MESSAGE_SENT if arrival.from_me else Event.MESSAGE_RECEIVED
        outbox.emit(message.instance_id, event, payload_of(message))
    return message


def _status(arrival: Arrival) -> MessageStatus:
    if not arrival.from_me:
        return MessageStatus.RECEIVED
    return arrival.status or MessageStatus.SENT


def _place(arrival: Arrival) -> datetime:
    """Where a message that just came stands. WhatsApp tells whole seconds: within one, what came
    later stands later (ties are broken by id)."""
    last = arrival.chat.last_at
    return last if arrival.at <= last < arrival.at + timedelta(seconds=1) else arrival.at


def _known(arrival: Arrival, direction: str) -> Message | None:
    query = select(Message).where(
        Message.account_id == arrival.chat.account_id,
        Message.wa_id == arrival.wa_id,
        Message.direction == direction,
    )
    return db.session.scalar(query)
