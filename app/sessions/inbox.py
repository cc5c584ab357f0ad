"""From the engine's handler to the database: the spool of one session, committed in batches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog
from flask import Flask
from sqlalchemy.exc import DBAPIError, OperationalError

from app.core.reading import ReadReceipts
from app.core.states import MessageStatus
from app.engine.base import Engine
from app.engine.events import (
    Event,
    HistoryReceived,
    KeepAliveTimeout,
    LoggedOut,
    MessageReceived,
)
from app.engine.history import pieces
from app.engine.raw import RawEvent
from app.extensions import db
from app.models import Instance, LinkedAccount
from app.services import activity, receipts
from app.services.people_names import Who
from app.sessions import spool, states
from app.sessions.leases import Held, LeaseLost, holding
from app.sessions.reading import News
from app.sessions.recording import Recorder
from app.sessions.states import Move
from app.transaction import again_when_beaten

log = structlog.get_logger(__name__)

Heard = tuple[Event, Move]
"""An event of the session itself, and where it brought the instance."""
BATCH = 200
"""Events in one transaction, or messages of the phone's history: a commit costs more than any of
them, and while it lasts nobody else writes (SQLite)."""
LAST_SECONDS = 2.0
"""For what is in the spool when its session ends; a host has 5 s to end."""


class Early:
    """Receipts and amendments that came before the answer to the send they are about.

    A send's id is known only with WhatsApp's answer, and the other phone may be quicker. All of it
    happens inside transactions that hold the session's lease, one after the other: either the
    receipt finds the id in the message's row, or the send finds the receipt here.
    """

    def __init__(self) -> None:
        self._sending = False
        self._seen: list[tuple[str, MessageStatus, datetime, Who]] = []
        self._said: list[tuple[str, MessageReceived]] = []

    def start(self) -> None:
        """A send begins."""
        self._sending = True

    def add(self, wa_ids: set[str], status: MessageStatus, at: datetime, who: Who) -> None:
        """Keeps a receipt while there is a send it may be about."""
        if self._sending:
            self._seen += [(wa_id, status, at, who) for wa_id in wa_ids]

    def add_amendment(self, event: MessageReceived, target: str) -> None:
        """Keeps what was said about message `target` while there is a send it may be about."""
        if self._sending:
            self._said.append((target, event))

    def apply(self, account: LinkedAccount, wa_id: str) -> None:
        """Gives the message that turned out to be `wa_id` what came for it."""
        for seen, status, at, who in list(self._seen):
            if seen == wa_id:
                receipts.heard(account, [wa_id], status, at, who)
        recorder = Recorder(account, lambda *_: None, lambda *_: None)
        for event in [event for target, event in self._said if target == wa_id]:
            recorder.record(event)

    def stop(self) -> None:
        """The send is over and written down; what is left was about somebody else's message."""
        self._sending = False
        self._seen.clear()
        self._said.clear()

    @property
    def pending(self) -> bool:
        """Whether something is kept that no row has."""
        return bool(self._seen or self._said)


@dataclass(slots=True)
class Quiet:
    """When somebody last wrote in a chat, by chat id; seconds of the monotonic clock."""

    last: dict[str, float] = field(default_factory=dict)

    def since(self, chat_id: str) -> float:
        """Seconds since somebody wrote in the chat."""
        return time.monotonic() - self.last.get(chat_id, float("-inf"))


class Inbox:
    """What arrived for one session. `put` runs on the engine's thread, the rest on one thread at a
    time: the session's while it opens, the host's ingest afterwards."""

    def __init__(
        self,
        app: Flask,
        engine: Engine,
        held: Held,
        account_id: str,
        path: Path,
    ) -> None:
        self.early = Early()
        self.quiet = Quiet()
        self.on_arrival: Callable[[], None] = lambda: None
        self.on_event: Callable[[Event, Move], None] = lambda event, move: None
        self.is_contested: Callable[[], bool] = lambda: False
        self.on_doubt: Callable[[], None] = lambda: None
        self.on_news: Callable[[Sequence[News]], None] = lambda news: None
        self.on_call: Callable[[], None] = lambda: None
        self.on_groups: Callable[[Collection[str]], None] = lambda group_ids: None
        self.on_blocklist: Callable[[], None] = lambda: None
        self._app = app
        self._engine = engine
        self._held = held
        self._account_id = account_id
        self._spool = spool.Spool(path)
        self._closing = threading.Lock()
        self._closed = False

    def put(self, raw: RawEvent) -> None:
        """Keeps an event. Does nothing else: the engine waits."""
        self._spool.append(raw.encode())
        self.on_arrival()

    def replay(self) -> None:
        """Commits what hosts that are gone have left behind. Raises LeaseLost, DBAPIError."""
        for path in spool.left_behind(self._spool.path):
            try:
                old = spool.Spool(path)
            except spool.SpoolInUse:
                log.warning("spool.in_use", path=str(path))
                continue
            try:
                while self._commit_some(old, live=False):
                    pass
                old.trim()
            finally:
                old.close()

    def commit(self) -> bool:
        """Commits a batch; whether there was one. Raises LeaseLost, DBAPIError."""
        with self._closing:
            if self._closed:
                return False
            found = self._commit_some(self._spool, live=True)
            if not found and not self.early.pending:
                self._spool.trim()
            return found

    def stop_early(self) -> None:
        """A send is over and written down: what was kept for it may leave the spool."""
        kept = self.early.pending
        self.early.stop()
        if kept:
            self.on_arrival()

    def close(self, *, commit: bool) -> None:
        """Gives the spool up, after a last `commit` if the lease is still held; what does not get
        into the database within LAST_SECONDS waits for the next host."""
        with self._closing:
            self._closed = True
            try:
                if commit:
                    self._commit_the_rest()
            except (LeaseLost, DBAPIError) as error:
                log.warning("inbox.left_behind", account_id=self._account_id, error=repr(error))
            finally:
                self._spool.close()

    def _commit_the_rest(self) -> None:
        deadline = time.monotonic() + LAST_SECONDS
        while time.monotonic() < deadline and self._commit_some(self._spool, live=True):
            pass

    def _commit_some(self, source: spool.Spool, *, live: bool) -> bool:
        batch = _next(source)
        if not batch.records:
            return False
        try:
            heard = self._write(batch.records, live=live)
        except (LeaseLost, OperationalError):
            raise  # nothing is wrong with the events: they stay where they are
        except Exception as error:
            log.warning("ingest.batch_failed", account_id=self._account_id, error=repr(error))
            heard = self._one_by_one(source, batch.records, live=live)
        source.done(batch)
        for event, move in heard:
            self.on_event(event, move)
        return True

    def _one_by_one(
        self, source: spool.Spool, records: Sequence[bytes], *, live: bool
    ) -> list[Heard]:
        """Writes what can be written; what cannot is set aside and never holds up the rest."""
        heard: list[Heard] = []
        for record in records:
            try:
                heard += self._write([record], live=live)
            except (LeaseLost, OperationalError):
                raise
            except Exception as error:
                source.set_aside(record)
                self._tell_of_set_aside(error)
        return heard

    def _write(self, records: Sequence[bytes], *, live: bool) -> list[Heard]:
        """Commits the records in one transaction, or a record of the phone's history in several: to
        store it again changes nothing. The session's own events among them."""
        events = [pair for record in records for pair in self._translated(record)]
        return [one for part in _parts(events) for one in self._write_part(part, live=live)]

    @again_when_beaten
    def _write_part(self, events: Sequence[tuple[RawEvent, Event]], *, live: bool) -> list[Heard]:
        with self._app.app_context(), holding(self._held) as session:
            account = session.get_one(LinkedAccount, self._account_id)
            instance = session.get_one(Instance, account.instance_id)
            auto_read = instance.read_receipts == ReadReceipts.ARRIVAL
            early = self.early.add, self.early.add_amendment
            recorder = Recorder(account, *early, rejects_calls=instance.reject_calls)
            heard = []
            for raw, event in events:
                recorder.record(event)
                stale = not live and not _ends_the_link(raw, event, account)
                move = None if stale else states.move_of(event, contested=self.is_contested())
                if move is not None and states.apply(move, instance):
                    heard.append((event, move))
        if live and any(isinstance(event, KeepAliveTimeout) for _, event in events):
            self.on_doubt()
        now = time.monotonic()
        self.quiet.last.update(dict.fromkeys((one.chat_id for one in recorder.incoming), now))
        if live and auto_read and recorder.incoming:
            self.on_news(recorder.incoming)
        if recorder.has_calls:
            self.on_call()
        if recorder.unknown_groups:
            self.on_groups(recorder.unknown_groups)
        if recorder.others_are_blocked:
            self.on_blocklist()
        return heard

    def _translated(self, record: bytes) -> list[tuple[RawEvent, Event]]:
        raw = RawEvent.decode(record)
        return [(raw, event) for event in self._engine.translate(raw)]

    def _tell_of_set_aside(self, error: Exception) -> None:
        """An event the product could not work on is a bug: it is kept, and shown in the journal."""
        log.error("ingest.set_aside", account_id=self._account_id, exc_info=error)
        try:
            with self._app.app_context(), holding(self._held):
                instance = db.session.get(Instance, self._held.instance_id)
                kind = type(error).__name__
                activity.record("session:event:set_aside", instance=instance, error=kind)
        except DBAPIError as failure:
            log.error("ingest.not_in_journal", error=str(failure.orig))


def _next(source: spool.Spool) -> spool.Batch:
    """What is to be written next; a record of the phone's history by itself: it may be large."""
    batch = source.read(BATCH)
    for place, record in enumerate(batch.records):
        if RawEvent.is_history(record):
            return source.read(place or 1)
    return batch


def _parts(events: Sequence[tuple[RawEvent, Event]]) -> list[list[tuple[RawEvent, Event]]]:
    """What goes into each transaction."""
    if not any(isinstance(event, HistoryReceived) for _, event in events):
        return [list(events)]
    parts: list[list[tuple[RawEvent, Event]]] = []
    for raw, event in events:
        split = pieces(event, BATCH) if isinstance(event, HistoryReceived) else [event]
        parts += [[(raw, piece)] for piece in split]
    return parts


def _ends_the_link(raw: RawEvent, event: Event, account: LinkedAccount) -> bool:
    """Whether `event` is what still holds of a connection that is long gone: the end of the link,
    unless the account was linked again since."""
    return isinstance(event, LoggedOut) and raw.received_at > account.linked_at
