"""Messages: received, and queued to be sent. The queue of an instance is its queued rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import utcnow
from app.core.media import MediaKind
from app.core.states import MessageStatus
from app.models.base import Base, Id
from app.models.chat import Chat
from app.models.media import Media
from app.models.poll_vote import PollVote
from app.models.quote import Quote
from app.models.reaction import Reaction

INCOMING, OUTGOING = "in", "out"
SYSTEM = "sys"
"""Direction of what nobody wrote: a note of what happened in a group."""
FROM_UI, FROM_API, FROM_PHONE = "ui", "api", "phone"
TEXT = "text"
REACTION, EDIT, DELETION, VOTE = "reaction", "edit", "delete", "vote"
AMENDMENTS = frozenset({REACTION, EDIT, DELETION, VOTE})
"""Kinds of what we say about an earlier message: in the queue it is a message, in a conversation it
is seen by what it changes, once it is sent."""
DELETED = "deleted"
"""What stands for the kind of a message that was deleted for everybody."""
RESENT, DISMISSED = "resent", "dismissed"
KIND_LENGTH = 60


class Message(Base):
    """One message of one chat."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("chat_id", "direction", "wa_id"),
        UniqueConstraint("instance_id", "idempotency_key"),
        Index("ix_messages_chat_order", "chat_id", "shown_at", "id"),
        Index("ix_messages_chat_changed", "chat_id", "changed_at", "id"),
        Index("ix_messages_queue", "instance_id", "status", "due_at", "id"),
        Index(
            "ix_messages_expiry",
            "expires_at",
            sqlite_where=text("status = 'queued'"),
            postgresql_where=text("status = 'queued'"),
        ),
        Index("ix_messages_wa_id", "account_id", "wa_id"),
    )

    id: Mapped[Id]
    instance_id: Mapped[str] = mapped_column(ForeignKey("instances.id", ondelete="CASCADE"))
    account_id: Mapped[str] = mapped_column(ForeignKey("linked_accounts.id", ondelete="CASCADE"))
    chat_id: Mapped[str] = mapped_column(ForeignKey("chats.id", ondelete="CASCADE"))
    chat: Mapped[Chat] = relationship()

    direction: Mapped[str] = mapped_column(String(3))
    source: Mapped[str | None] = mapped_column(String(10))  # of an outgoing one: ui, api, phone
    kind: Mapped[str] = mapped_column(String(KIND_LENGTH), default=TEXT)
    body: Mapped[str] = mapped_column(Text, default="")
    details: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What a place, a contact card or a poll says besides: core.details. Of a vote of ours under
    `vote` the `options`, and `at` from when it counts."""
    media: Mapped[Media | None] = relationship(passive_deletes="all")
    quote: Mapped[Quote | None] = relationship(
        foreign_keys="Quote.message_id", passive_deletes="all"
    )
    reactions: Mapped[list[Reaction]] = relationship(
        order_by=Reaction.reacted_at, passive_deletes="all"
    )
    poll_votes: Mapped[list[PollVote]] = relationship(
        order_by=(PollVote.voted_at, PollVote.author), passive_deletes="all"
    )
    former_texts: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """What it said before it was edited, oldest first: `text`, and `until` when."""
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    """When its author took it back for everybody; what it said is gone then."""
    forwarded: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    """How often it was passed on before; 0: whoever sent it wrote it."""
    mentions: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """Who is named in it with an @: a number's digits and a LID, either of which may be null."""
    sender_lid: Mapped[str | None] = mapped_column(String(20))
    sender_phone: Mapped[str | None] = mapped_column(String(20))
    sender_name: Mapped[str] = mapped_column(String(100), default="")

    target_id: Mapped[str | None] = mapped_column(String(40))
    """Of one of AMENDMENTS: the message it is about."""
    wa_id: Mapped[str | None] = mapped_column(String(64))  # WhatsApp's id, once it is known
    secret: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """messageSecret: saved before the send, it finds the id in the key store after a crash. Of a
    poll, whoever made it, the key to its votes."""
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[MessageStatus] = mapped_column(String(12))
    failure: Mapped[str | None] = mapped_column(String(60))  # slug, where status is failed
    settled: Mapped[str | None] = mapped_column(String(10))
    """What a person decided about an unconfirmed one: resent or dismissed. Its status stays: only
    WhatsApp can tell that it arrived."""
    resent_as_id: Mapped[str | None] = mapped_column(ForeignKey("messages.id", ondelete="SET NULL"))

    send_at: Mapped[datetime | None]  # when it is wanted to go, where not at once
    due_at: Mapped[datetime] = mapped_column(default=utcnow)
    """Its place in the queue: when it may go at the earliest."""
    expires_at: Mapped[datetime | None]  # from then on it is not sent any more

    created_at: Mapped[datetime]
    changed_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)
    """Set by every write to the row: a page that is open asks for what changed since."""
    shown_at: Mapped[datetime]  # where it stands in the conversation: WhatsApp's time, or ours
    recipients: Mapped[int | None] = mapped_column(SmallInteger)
    """Of ours in a group: how many were in it when it was sent, we ourselves left out; None where
    that is not known. models.MessageReceipt has them."""
    is_history: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The phone brought it when it was linked: no news, and in no statistics."""
    reply_seconds: Mapped[int | None]
    """Of one of ours that was the first answer in a chat of two: how long the other had waited."""
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]

    @property
    def is_amendment(self) -> bool:
        """Whether it is about an earlier message rather than one by itself."""
        return self.target_id is not None

    @property
    def is_note(self) -> bool:
        """Whether it tells what happened in a group, and was written by nobody."""
        return self.direction == SYSTEM

    @property
    def line_kind(self) -> str:
        """As what a list shows it."""
        return DELETED if self.deleted_at else self.kind

    @property
    def line_text(self) -> str:
        """What a list shows of it: text or caption, of a document without one its name."""
        if self.body or self.kind != MediaKind.DOCUMENT or self.media is None:
            return self.body
        return self.media.file_name
