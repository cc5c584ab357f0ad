"""Answers: which earlier message one is to, and what is shown of that."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.core.errors import Conflict, Invalid
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, LinkedAccount, Message, Quote
from app.models.message import OUTGOING
from app.models.quote import EXCERPT


@dataclass(frozen=True, slots=True)
class ArrivedQuote:
    """What a message from WhatsApp says of the one it answers."""

    wa_id: str
    author_phone: str | None
    author_lid: str | None
    kind: str
    text: str


def original_for(chat: Chat, message_id: str | None) -> Message | None:
    """The message of `chat` that is to be answered, None for none. Takes our id or WhatsApp's.

    Raises Invalid (replyTo) for one of another chat, Conflict for one WhatsApp does not have yet.
    """
    if not message_id:
        return None
    query = select(Message).where(Message.chat_id == chat.id)
    known = (Message.id == message_id) | (Message.wa_id == message_id)
    found = db.session.scalar(query.where(known).order_by(Message.id).limit(1))
    if found is None:
        text = N_("There is no such message in this chat to answer.")
        raise Invalid(text, field="replyTo", code="reply_to_unknown")
    if not found.wa_id:
        text = N_("This message has not been sent yet: it cannot be answered.")
        raise Conflict(text, code="reply_to_not_sent")
    return found


def attach(message: Message, original: Message) -> None:
    """Makes `message` an answer to `original`, as it is now."""
    _add(
        message,
        Quote(
            wa_id=original.wa_id,
            from_me=original.direction == OUTGOING,
            author_lid=original.sender_lid or original.chat.lid,
            author_phone=original.sender_phone or original.chat.phone,
            author_name=original.sender_name,
            kind=original.kind,
            text=original.line_text[:EXCERPT],
            original_id=original.id,
        ),
    )


def keep(message: Message, said: ArrivedQuote) -> None:
    """Keeps what a message that came answers. What the sender's program says of the other is
    shown; whose that is, and where it stands, is taken from what is stored."""
    account = db.session.get_one(LinkedAccount, message.account_id)
    query = select(Message).where(Message.chat_id == message.chat_id, Message.wa_id == said.wa_id)
    original = db.session.scalar(query.order_by(Message.id).limit(1))
    by_us = bool(said.author_lid and said.author_lid == account.lid) or (
        bool(said.author_phone) and said.author_phone == account.phone
    )
    _add(
        message,
        Quote(
            wa_id=said.wa_id[:64],
            from_me=original.direction == OUTGOING if original else by_us,
            author_lid=said.author_lid,
            author_phone=said.author_phone,
            author_name=original.sender_name if original else "",
            kind=said.kind[:60],
            text=said.text[:EXCERPT],
            original_id=original.id if original else None,
        ),
    )


def _add(message: Message, quote: Quote) -> None:
    quote.message_id = message.id
    db.session.add(quote)
    db.session.flush()
    db.session.expire(message, ["quote"])
