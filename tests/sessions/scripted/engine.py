"""An engine that does what a test tells it: for what the sandbox cannot be made to do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from app.core.chat_settings import Aspect, ChatSettings, LastMessage
from app.core.details import Said, text_of
from app.core.groups import GroupFacts, GroupMember, MemberAct
from app.core.media import FileFacts
from app.engine.base import (
    NO_CONTEXT,
    Context,
    EngineSession,
    EventSink,
    OpenRequest,
    OutgoingFile,
    Person,
    Picture,
    Quotation,
    Sent,
    Target,
)
from app.engine.errors import EngineError, NotConnected
from app.engine.events import Change, Connected, Event, SealedVote
from app.engine.raw import BadRawEvent, RawEvent


@dataclass
class ScriptedEngine:
    """Opens sessions that connect at once. The lists are what happened; the rest is the script."""

    sessions: list[ScriptedSession] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)
    files: list[tuple[FileFacts, bytes]] = field(default_factory=list)
    votes: list[SealedVote] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    reject_errors: list[EngineError] = field(default_factory=list)
    logged_out: list[str] = field(default_factory=list)
    ids_by_secret: dict[bytes, str] = field(default_factory=dict)
    start_errors: list[EngineError] = field(default_factory=list)
    send_errors: list[EngineError] = field(default_factory=list)
    lids: dict[str, str] = field(default_factory=dict)  # by number
    lid_errors: list[EngineError] = field(default_factory=list)
    read_errors: list[EngineError] = field(default_factory=list)
    find_errors: list[EngineError] = field(default_factory=list)
    check_errors: list[EngineError] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    people_errors: list[EngineError] = field(default_factory=list)
    groups: list[GroupFacts] = field(default_factory=list)
    group_errors: list[EngineError] = field(default_factory=list)
    signals: list[tuple[str, str]] = field(default_factory=list)  # what, and about whom
    signal_errors: list[EngineError] = field(default_factory=list)
    group_acts: list[tuple[str, ...]] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)  # by JID
    picture_errors: list[EngineError] = field(default_factory=list)
    pictures_asked: list[str] = field(default_factory=list)
    kept: list[tuple[str, Aspect, bool]] = field(default_factory=list)
    keep_errors: list[EngineError] = field(default_factory=list)
    phone_keeps: list[ChatSettings] = field(default_factory=list)
    known_asked: int = 0  # how often for these
    checks: int = 0
    says_connected: bool = True
    open_error: EngineError | None = None
    on_send: Callable[[ScriptedSession, str], None] = lambda session, wa_id: None
    _events: list[Event] = field(default_factory=list)

    @property
    def quotes(self) -> list[Quotation | None]:
        """What the messages that were sent answer."""
        return [context.quote for context in self.contexts]

    @property
    def opened(self) -> int:
        """How many sessions were started."""
        return sum(session.started for session in self.sessions)

    def open(self, request: OpenRequest, on_event: EventSink) -> EngineSession:
        """A session, not connected yet."""
        if self.open_error is not None:
            raise self.open_error
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


class ScriptedGroups:
    """The groups of a scripted session: `all` gives those of the script; acts are written down."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.engine = engine

    def all(self) -> list[GroupFacts]:
        """Those of the script."""
        self._fail()
        return list(self.engine.groups)

    def one(self, group: str) -> GroupFacts:
        """The one of the script."""
        self._fail()
        return next(one for one in self.engine.groups if group == f"{one.id}@g.us")

    def create(self, name: str, people: Sequence[str]) -> GroupFacts:
        """Writes it down; the group is the script's last."""
        self._act("create", name, *people)
        return self.engine.groups[-1]

    def change(self, group: str, act: MemberAct, people: Sequence[str]) -> list[GroupMember]:
        """Writes it down; nobody is refused."""
        self._act(act.value, group, *people)
        return []

    def rename(self, group: str, name: str) -> None:
        """Writes it down."""
        self._act("rename", group, name)

    def link(self, group: str, *, renew: bool = False) -> str:
        """The same link, or another."""
        self._act("renew" if renew else "link", group)
        return "https://chat.whatsapp.com/new" if renew else "https://chat.whatsapp.com/old"

    def leave(self, group: str) -> None:
        """Writes it down."""
        self._act("leave", group)

    def _act(self, *said: str) -> None:
        self._fail()
        self.engine.group_acts.append(said)

    def _fail(self) -> None:
        if self.engine.group_errors:
            raise self.engine.group_errors.pop(0)


class ScriptedChatStates:
    """The chats of a scripted session: what is told is written down."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.engine = engine

    def tell(self, chat: str, *, composing: bool) -> None:
        """Writes it down, unless the script says how it fails."""
        self._act("composing" if composing else "paused", chat)

    def follow(self, person: str) -> None:
        """Writes it down, unless the script says how it fails."""
        self._act("follow", person)

    def _act(self, what: str, address: str) -> None:
        if self.engine.signal_errors:
            raise self.engine.signal_errors.pop(0)
        self.engine.signals.append((what, address))


class ScriptedPeople:
    """Single people of a scripted session: they show the script's pictures, nobody is blocked."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.engine = engine

    def block(self, jid: str) -> None:
        """Does nothing."""

    def unblock(self, jid: str) -> None:
        """Does nothing."""

    def blocked(self) -> list[str]:
        """Nobody."""
        return []

    def picture(self, jid: str) -> Picture | None:
        """That of the script, if there is one."""
        self.engine.pictures_asked.append(jid)
        if self.engine.picture_errors:
            raise self.engine.picture_errors.pop(0)
        return self.engine.pictures.get(jid)


class ScriptedChatSettings:
    """The chats of a scripted session: what is told is written down, what is known is scripted."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.engine = engine

    def tell(
        self,
        chat: str,
        aspect: Aspect,
        *,
        on: bool,
        until: datetime | None = None,
        last: LastMessage | None = None,
    ) -> None:
        """Writes it down, unless the script says how it fails."""
        if self.engine.keep_errors:
            raise self.engine.keep_errors.pop(0)
        self.engine.kept.append((chat, aspect, on))

    def known(self) -> list[ChatSettings]:
        """What the script says."""
        self.engine.known_asked += 1
        return list(self.engine.phone_keeps)

    def stamp(self) -> object:
        """Another one for other settings, and after each telling."""
        return len(self.engine.kept), *self.engine.phone_keeps


class ScriptedSession:
    """A session of the scripted engine."""

    def __init__(self, engine: ScriptedEngine, on_event: EventSink) -> None:
        self.engine = engine
        self.on_event = on_event
        self.started = False
        self.closed = threading.Event()
        self.groups = ScriptedGroups(engine)
        self.chat_states = ScriptedChatStates(engine)
        self.people = ScriptedPeople(engine)
        self.chat_settings = ScriptedChatSettings(engine)

    def start(self) -> None:
        """Connects, unless the script says how it fails."""
        if self.engine.start_errors:
            raise self.engine.start_errors.pop(0)
        self.started = True
        if self.engine.says_connected:
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

    def send_text(
        self, to: str, text: str, *, secret: bytes, context: Context = NO_CONTEXT
    ) -> Sent:
        """Accepts, unless the script says how it fails."""
        self._must_be_open()
        if self.engine.send_errors:
            raise self.engine.send_errors.pop(0)
        wa_id = f"3EB0{len(self.engine.sent):04}"
        self.engine.on_send(self, wa_id)
        self.engine.sent.append(text)
        self.engine.contexts.append(context)
        return Sent(wa_id, datetime.now(UTC))

    def send_file(
        self,
        to: str,
        file: OutgoingFile,
        caption: str,
        *,
        secret: bytes,
        context: Context = NO_CONTEXT,
    ) -> Sent:
        """Reads the file and accepts, unless the script says how it fails."""
        self._must_be_open()
        content = file.read()
        sent = self.send_text(to, caption, secret=secret, context=context)
        self.engine.files.append((file.facts, content))
        return sent

    def send_details(
        self, to: str, said: Said, *, secret: bytes, context: Context = NO_CONTEXT
    ) -> Sent:
        """Accepts, unless the script says how it fails."""
        return self.send_text(to, text_of(said), secret=secret, context=context)

    def send_amendment(
        self,
        to: str,
        kind: Change,
        text: str,
        target: Target,
        *,
        secret: bytes,
        mentions: Sequence[str] = (),
    ) -> Sent:
        """Accepts, unless the script says how it fails."""
        return self.send_text(to, f"{kind} {target.id} {text}", secret=secret)

    def send_vote(self, to: str, vote: SealedVote, target: Target, *, secret: bytes) -> Sent:
        """Accepts, unless the script says how it fails."""
        self.engine.votes.append(vote)
        return self.send_text(to, f"vote {target.id}", secret=secret)

    def check(self, seconds: float) -> None:
        """Is answered, unless the script says what happens instead."""
        self._must_be_open()
        self.engine.checks += 1
        if self.engine.check_errors:
            raise self.engine.check_errors.pop(0)

    def _must_be_open(self) -> None:
        if not self.started or self.closed.is_set():
            raise NotConnected("the session is not open")

    def find_sent_id(self, secret: bytes) -> str | None:
        """What the script's key store knows, unless the script says that it cannot be told."""
        if self.engine.find_errors:
            raise self.engine.find_errors.pop(0)
        return self.engine.ids_by_secret.get(secret)

    def mark_read(self, ids: Sequence[str], *, chat: str, sender: str) -> None:
        """Accepts, unless the script says how it fails."""
        if self.engine.read_errors:
            raise self.engine.read_errors.pop(0)
        self.engine.read += ids

    def contacts(self) -> list[Person]:
        """Whom the script says, unless it says how it fails."""
        if self.engine.people_errors:
            raise self.engine.people_errors.pop(0)
        return list(self.engine.people)

    def lid_of(self, phone: str) -> str | None:
        """The LID that the script has for the number, unless it says how it fails."""
        self._must_be_open()
        if self.engine.lid_errors:
            raise self.engine.lid_errors.pop(0)
        return self.engine.lids.get(phone)

    def reject_call(self, call_id: str, *, caller: str) -> None:
        """Rejects, unless the script says how it fails."""
        self._must_be_open()
        if self.engine.reject_errors:
            raise self.engine.reject_errors.pop(0)
        self.engine.rejected.append((call_id, caller))

    def set_available(self, available: bool) -> None:
        """Does nothing."""
