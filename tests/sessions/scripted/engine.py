"""An engine that does what a test tells it: for what the sandbox cannot be made to do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from app.engine.base import EngineSession, EventSink, OpenRequest, Sent
from app.engine.errors import EngineError, KeysMissing
from app.engine.events import Connected, Event
from app.engine.raw import BadRawEvent, RawEvent


@dataclass
class ScriptedEngine:
    """Opens sessions that connect at once. The lists are what happened; the rest is the script."""

    sessions: list[ScriptedSession] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    logged_out: list[str] = field(default_factory=list)
    ids_by_secret: dict[bytes, str] = field(default_factory=dict)
    start_errors: list[EngineError] = field(default_factory=list)
    send_errors: list[EngineError] = field(default_factory=list)
    keys_are_there: bool = True
    on_send: Callable[[ScriptedSession, str], None] = lambda session, wa_id: None
    _events: list[Event] = field(default_factory=list)

    def open(self, request: OpenRequest, on_event: EventSink) -> EngineSession:
        """A session, not connected yet."""
        if not self.keys_are_there:
            raise KeysMissing(request.jid)
        session = ScriptedSession(self, on_event)
        self.sessions.append(session)
        return session

    def translate(self, raw: RawEvent) -> list[Event]:
        """The event that `raw_of` wrapped."""
        if raw.kind != "scripted":
            raise BadRawEvent(f"unknown kind {raw.kind!r}")
        return [self._events[int(raw.payload)]]

    def raw_of(self, event: Event) -> RawEvent:
        """`event` as an engine hands it over."""
        self._events.append(event)
        number = str(len(self._events) - 1).encode()
        return RawEvent("scripted", number, datetime.now(UTC))

    def tell(self, event: Event) -> None:
        """The session opened last hears `event`."""
        self.sessions[-1].tell(event)


class ScriptedSession:
    """A session of the scripted engine."""

    def __init__(self, engine: ScriptedEngine, on_event: EventSink) -> None:
        self.engine = engine
        self.on_event = on_event
        self.started = False
        self.closed = threading.Event()

    def start(self) -> None:
        """Connects, unless the script says how it fails."""
        if self.engine.start_errors:
            raise self.engine.start_errors.pop(0)
        self.started = True
        self.tell(Connected())

    def tell(self, event: Event) -> None:
        """Hears `event`."""
        self.on_event(self.engine.raw_of(event))

    def close(self) -> None:
        """Is over."""
        self.closed.set()

    def logout(self) -> None:
        """Unlinks."""
        self.engine.logged_out.append("this device")

    def send_text(self, to: str, text: str, *, secret: bytes) -> Sent:
        """Accepts, unless the script says how it fails."""
        if self.engine.send_errors:
            raise self.engine.send_errors.pop(0)
        wa_id = f"3EB0{len(self.engine.sent):04}"
        self.engine.on_send(self, wa_id)
        self.engine.sent.append(text)
        return Sent(wa_id, datetime.now(UTC))

    def find_sent_id(self, secret: bytes) -> str | None:
        """What the script's key store knows."""
        return self.engine.ids_by_secret.get(secret)

    def mark_read(self, ids: Sequence[str], *, chat: str, sender: str) -> None:
        """Does nothing."""

    def set_available(self, available: bool) -> None:
        """Does nothing."""
