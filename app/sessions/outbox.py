"""Sends what waits in the queue of one instance, in order, at its pace."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

import structlog
from flask import Flask
from sqlalchemy.exc import OperationalError

from app.config import settings_of
from app.core.backoff import delay_before
from app.core.details import Said, said_in
from app.core.phones import GROUP_SERVER, lid_jid, phone_jid
from app.engine.base import (
    NO_CONTEXT,
    Context,
    EngineSession,
    OutgoingFile,
    Quotation,
    Sent,
    Target,
)
from app.engine.errors import EngineError, KeyStoreUnwritable, NotConnected, UploadFailed
from app.engine.events import Change, SealedVote
from app.extensions import db
from app.models import Chat, LinkedAccount, Media, Message, Quote
from app.models.message import OUTGOING, VOTE
from app.services import amending, media, mentions, messaging
from app.sessions import voting
from app.sessions.inbox import Inbox
from app.sessions.leases import Held, holding
from app.sessions.line import Line
from app.storage import FileMissing, StorageUnreachable, storage_of

log = structlog.get_logger(__name__)

QUIET_SECONDS = 0.05
"""Between a message that came in a chat and one that goes out in it (wire.md section 7)."""
TRIES = 5
"""A message that failed to leave this often, for no reason of the connection, is given up."""
_TROUBLE_SECONDS = 2.0  # between tries, while the database does not answer
_FIRST_PAUSE = timedelta(seconds=2)
_LONGEST_PAUSE = timedelta(seconds=30)
_LAST_WORD_SECONDS = 0.5
"""For the news that the link is gone: then its keys are too, and what they knew of a send."""
_ABOUT_THE_LINE = {"not_connected", "connection_lost", "key_store_unwritable", "timed_out"}
"""Failures that say nothing about the message: it is tried for as long as it takes."""


@dataclass(frozen=True, slots=True)
class _Order:
    """A claimed message: what the engine needs of it."""

    message_id: str
    to: str
    text: str
    secret: bytes
    file: OutgoingFile | None = None
    context: Context = NO_CONTEXT
    said: Said | None = None
    about: tuple[Change, Target] | None = None
    vote: SealedVote | None = None


class Outbox:
    """The queue of one session; used by the session's own thread alone."""

    def __init__(
        self,
        app: Flask,
        held: Held,
        account_id: str,
        inbox: Inbox,
        line: Line,
        *,
        gap_ms: int,
        closing: Event,
    ) -> None:
        self._app = app
        self._line = line
        self._closing = closing
        self._held = held
        self._account_id = account_id
        self._inbox = inbox
        self._usual_gap = self._gap = gap_ms / 1000
        self._sent_at = float("-inf")  # of the monotonic clock, as the next one
        self._next_at = 0.0
        self._jitter = 1.0  # how much longer than the gap this pause is
        self._failed: tuple[str, int] = ("", 0)  # the message at the head, how often it failed

    def settle(self, session: EngineSession) -> None:
        """Decides on messages that were being sent when their session ended: what the key store
        knows may have gone and is unconfirmed, the rest never left and is queued again.

        Raises LeaseLost, EngineError.
        """
        with self._app.app_context():
            waiting = {
                one.id: bytes(one.secret or b"") for one in messaging.in_flight(self._account_id)
            }
        for message_id, secret in waiting.items():
            wa_id = session.find_sent_id(secret)
            if wa_id is None:
                self._change(message_id, messaging.put_back)
            else:
                self._unconfirmed(message_id, wa_id)

    def give_up_in_flight(self) -> None:
        """The keys are gone, and what they knew of messages under way: those stay unconfirmed.
        Raises LeaseLost."""
        with self._app.app_context(), holding(self._held):
            for message in messaging.in_flight(self._account_id):
                messaging.unconfirmed(message, None)

    def wait_seconds(self) -> float:
        """How long the pace forbids the next send."""
        paced = self._sent_at + self._gap * self._jitter
        return max(0.0, max(self._next_at, paced) - time.monotonic())

    def keep_gap(self, seconds: int | None) -> None:
        """Sets the least pause between two messages, that under way included; None for the
        deployment's."""
        self._gap = self._usual_gap if seconds is None else seconds

    def send_next(self, session: EngineSession) -> bool:
        """Sends the oldest message of the queue; whether there was one to send now.

        Raises LeaseLost, DBAPIError, EngineError (the key store cannot be read or written).
        """
        order = self._claim()
        if order is None:
            return False
        self._inbox.early.start()
        try:
            self._send(session, order)
        finally:
            self._inbox.stop_early()
        return True

    def _claim(self) -> _Order | None:
        if not self._something_waits():
            return None
        with self._app.app_context(), holding(self._held):
            messaging.expire(self._held.instance_id)
            message = messaging.next_queued(self._held.instance_id, self._account_id)
            if message is None:
                return None
            quiet = self._inbox.quiet.since(message.chat_id)
            if quiet < QUIET_SECONDS:
                self._pause(QUIET_SECONDS - quiet)
                return None
            if message.is_amendment and amending.is_too_late(message):
                messaging.refused(message, "too_late")
                return None
            messaging.claim(message)
            chat = db.session.get_one(Chat, message.chat_id)
            file = self._file_of(message.media) if message.media else None
            secret = bytes(message.secret or b"")
            to = address_of(chat)
            if message.is_amendment:
                return _amending_order(message, to, secret)
            said = said_in(message.details) if message.details else None
            context, text = self._context_of(message), mentions.sent_text(message)
            return _Order(message.id, to, text, secret, file, context, said)

    def _file_of(self, row: Media) -> OutgoingFile:
        file = media.again(row)
        storage = storage_of(settings_of(self._app))

        def read() -> bytes:
            try:
                return storage.read(file.key)
            except StorageUnreachable as error:
                raise UploadFailed(str(error.__cause__)) from error

        return OutgoingFile(file.facts, read, file.preview)

    def _context_of(self, message: Message) -> Context:
        quote = self._quotation_of(message.quote) if message.quote else None
        return Context(quote, message.forwarded, tuple(mentions.jids_in(message)))

    def _quotation_of(self, quote: Quote) -> Quotation:
        """WhatsApp wants to know whose it is, of ours and of theirs alike."""
        account = db.session.get_one(LinkedAccount, self._account_id)
        lid = account.lid if quote.from_me else quote.author_lid
        phone = account.phone if quote.from_me else quote.author_phone
        author = lid_jid(lid) if lid else phone_jid(str(phone))
        return Quotation(quote.wa_id, author, quote.kind, quote.text)

    def _something_waits(self) -> bool:
        """Asked first: looking takes no write lock."""
        with self._app.app_context():
            return messaging.next_queued(self._held.instance_id, self._account_id) is not None

    def _send(self, session: EngineSession, order: _Order) -> None:
        try:
            sent = _hand_over(session, order)
        except FileMissing:
            log.error("message.file_missing", message_id=order.message_id)
            self._change(order.message_id, lambda one: messaging.refused(one, "file_missing"))
            return
        except EngineError as error:
            log.warning("message.not_sent", message_id=order.message_id, error=str(error))
            self._failed_to_send(session, order, error)
            return
        self._failed = ("", 0)
        self._sent_at = time.monotonic()
        self._jitter = random.uniform(1, 1.5)  # noqa: S311 - not a secret

        def write_down(message: Message) -> None:
            if messaging.sent(message, sent.id, sent.timestamp) and message.is_amendment:
                amending.done(message, sent.timestamp)
            self._apply_early(sent.id)

        self._change(order.message_id, write_down)

    def _failed_to_send(self, session: EngineSession, order: _Order, error: EngineError) -> None:
        if error.may_have_left and order.about is None:  # to say an amendment again does no harm
            try:
                wa_id = session.find_sent_id(order.secret)
            except KeyStoreUnwritable:
                self._unconfirmed(order.message_id, None)
                return
            if wa_id is not None or self._line.wait_until_over(_LAST_WORD_SECONDS):
                self._unconfirmed(order.message_id, wa_id)
                return
        if error.permanent or self._tried(order, error) >= TRIES:
            slug = _in_group(order.to, error.slug)
            self._change(order.message_id, lambda one: messaging.refused(one, slug))
            self._failed = ("", 0)  # somebody may have it tried again
            return
        self._change(order.message_id, messaging.put_back)
        if isinstance(error, KeyStoreUnwritable):
            raise error  # nothing may be sent; the session says so, and closes
        if not isinstance(error, NotConnected):  # else the session rests until it is connected
            pause = delay_before(max(self._failed[1], 1), first=_FIRST_PAUSE, cap=_LONGEST_PAUSE)
            self._pause(pause.total_seconds())

    def _tried(self, order: _Order, error: EngineError) -> int:
        """How often this message failed for a reason of its own."""
        if error.slug in _ABOUT_THE_LINE:
            return 0
        message_id, times = self._failed
        self._failed = (order.message_id, times + 1 if message_id == order.message_id else 1)
        return self._failed[1]

    def _unconfirmed(self, message_id: str, wa_id: str | None) -> None:
        def write_down(message: Message) -> None:
            messaging.unconfirmed(message, wa_id)
            self._apply_early(wa_id)

        self._change(message_id, write_down)

    def _apply_early(self, wa_id: str | None) -> None:
        if wa_id is not None:
            self._inbox.early.apply(db.session.get_one(LinkedAccount, self._account_id), wa_id)

    def _change(self, message_id: str, change: Callable[[Message], object]) -> None:
        """Writes down how it went, and does not give up while the database does not answer: only
        this thread knows. Raises LeaseLost; DBAPIError when the session ends meanwhile."""
        while True:
            try:
                with self._app.app_context(), holding(self._held) as session:
                    message = session.get(Message, message_id)
                    if message is not None:  # deleted with its chat
                        change(message)
                return
            except OperationalError as error:
                log.error("message.not_written", message_id=message_id, error=str(error.orig))
                if self._closing.wait(_TROUBLE_SECONDS):
                    raise

    def _pause(self, seconds: float) -> None:
        self._next_at = max(self._next_at, time.monotonic() + seconds)


def _amending_order(amendment: Message, to: str, secret: bytes) -> _Order:
    """What is said about another message. Our own ones are known without their author, and so are
    those of a chat of two."""
    target = db.session.get_one(Message, amendment.target_id)
    from_me, author = target.direction == OUTGOING, None
    if not from_me and target.chat.group_id:
        lid, phone = target.sender_lid, target.sender_phone
        author = lid_jid(lid) if lid else phone_jid(str(phone))
    about = Change(amendment.kind), Target(str(target.wa_id), from_me, author)
    vote = voting.sealed(amendment, target) if amendment.kind == VOTE else None
    context = Context(mentions=tuple(mentions.jids_in(amendment)))
    text = mentions.sent_text(amendment)
    return _Order(amendment.id, to, text, secret, context=context, about=about, vote=vote)


def _hand_over(session: EngineSession, order: _Order) -> Sent:
    to, secret, context = order.to, order.secret, order.context
    if order.about is not None:
        kind, target = order.about
        if order.vote is not None:
            return session.send_vote(to, order.vote, target, secret=secret)
        return session.send_amendment(
            to, kind, order.text, target, secret=secret, mentions=context.mentions
        )
    if order.said is not None:
        return session.send_details(to, order.said, secret=secret, context=context)
    if order.file is not None:
        return session.send_file(to, order.file, order.text, secret=secret, context=context)
    return session.send_text(to, order.text, secret=secret, context=context)


def _in_group(to: str, slug: str) -> str:
    """WhatsApp's refusals say something else of a group than of a person."""
    is_refusal = to.endswith(f"@{GROUP_SERVER}") and slug.startswith("server_error_4")
    return "group_refused" if is_refusal else slug


def address_of(chat: Chat) -> str:
    """Where to send to: by LID where it is known, which spares WhatsApp the question."""
    if chat.group_id:
        return chat.jid
    return lid_jid(chat.lid) if chat.lid else phone_jid(str(chat.phone))
