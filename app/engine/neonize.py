"""The engine on neonize (whatsmeow): sessions of linked accounts, many in one process.

What neonize needs to be treated with care (each point was seen, see the tests):

- Its Go side keeps sessions in maps without a lock: opening and stopping happen under one lock for
  the whole process, and nothing here polls it.
- Some calls for a session that is not open end the process (those on contacts and on the account
  itself); no method here makes one of them.
- `NewClient` named by a JID takes the phone number for its key, so two sessions of one number would
  share it, and stops that key when it is garbage-collected: here each opening has a key of its own
  and no such finalizer.
- `connect()` blocks for the life of the session, so it has a thread. It also returns when an event
  cannot be passed on (a receipt of a kind neonize does not know); nothing is delivered from then
  on, so the session is stopped and tells with SessionEnded.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from app.core.details import Said
from app.engine import contacts, keystore, library, reach
from app.engine.amendments import amendment_message, vote_message
from app.engine.base import (
    NO_CONTEXT,
    Context,
    EventSink,
    OpenRequest,
    OutgoingFile,
    Person,
    Sent,
    Target,
)
from app.engine.chat_settings import NeonizeChatSettings
from app.engine.chat_states import NeonizeChatStates
from app.engine.details import details_message
from app.engine.errors import (
    KeysMissing,
    KeyStoreUnwritable,
    LinkEnded,
    NetworkUnreachable,
    NoAnswer,
    NotConnected,
    engine_error,
    upload_error,
)
from app.engine.events import Change, Event, SealedVote
from app.engine.groups import NeonizeGroups
from app.engine.people import NeonizePeople
from app.engine.raw import RawEvent
from app.engine.round_trip import RoundTrip
from app.engine.tap import SESSION_EVENTS, EventTap
from app.engine.translate import SESSION_ENDED, translate
from app.engine.turns import one_large_file

log = logging.getLogger(__name__)

SECRET_LENGTH = 32
_CONNECT_SECONDS = 60.0
_REGISTER_SECONDS = 3.0
_STOP_SECONDS = 10.0
_LOOK_SECONDS = 4.0  # between looks at the keys, while a connect takes long

_LOOKED_UP_SECONDS = 0.2
"""Within that a call that has begun has found its client in the engine's map."""

_lifecycle = threading.Lock()
_openings = itertools.count(1)
_begun = 0  # changed under _lifecycle


class NeonizeEngine:
    """Opens sessions of linked accounts. See `app.engine.base.Engine`."""

    @property
    def opened(self) -> int:
        """How many connections were begun in this process, those that are closed by now too."""
        return _begun

    def open(self, request: OpenRequest, on_event: EventSink) -> NeonizeSession:
        """Returns a session, not connected yet. Raises KeysMissing, LinkEnded,
        KeyStoreUnreadable."""
        _check_keys(request)
        return NeonizeSession(request, on_event)

    def translate(self, raw: RawEvent) -> list[Event]:
        """Returns what a raw event means. Raises BadRawEvent."""
        return translate(raw)


class NeonizeSession:
    """One linked account on neonize. See `app.engine.base.EngineSession`; made by the engine."""

    def __init__(self, request: OpenRequest, on_event: EventSink) -> None:
        self._request = request
        self._on_event = on_event
        self._state = threading.Lock()
        self._open = False
        self._closed = False
        self._stopped = False
        self._connected = threading.Event()
        self._settled = threading.Event()  # connected for the first time, or failed to
        self._failure = ""
        self._thread: threading.Thread | None = None
        self._looking_up = 0  # calls under way that read the client's store
        self._client = self._new_client()
        self.groups = NeonizeGroups(self._live)
        self.chat_states = NeonizeChatStates(self._live)
        self.people = NeonizePeople(self._live)
        self.chat_settings = NeonizeChatSettings(self._live, request.store, request.jid)

    def _new_client(self) -> Any:
        client = library.load().NewClient(
            keystore.engine_name(self._request.store),
            uuid=f"{self._request.jid}#{next(_openings)}",
        )
        client._stop_finalizer.detach()
        client.jid = library.jid_of(self._request.jid, with_device=True)
        self._tap = EventTap(SESSION_EVENTS, self._on_event, self._on_device)
        client.event = self._tap
        self._round_trip = RoundTrip(client.get_blocklist, library.engine_exception())
        return client

    def start(self) -> None:
        """Connects; returns once the connection stands. Raises NetworkUnreachable, KeysMissing,
        LinkEnded, KeyStoreUnwritable."""
        reach.check(self._request.proxy, self._request.typed)
        global _begun
        _check_keys(self._request)
        self._check_keys_can_be_written()
        with _lifecycle:
            with self._state:
                if self._closed or self._thread is not None:
                    raise NotConnected("a session is started once; open another one")
                keystore.give_to_engine(self._request.store)
                self._thread = threading.Thread(
                    target=self._run, name=f"engine {self._request.jid}", daemon=True
                )
            _begun += 1
            self._thread.start()
            # By then the engine has written its maps, even if the network is still being slow.
            self._settled.wait(_REGISTER_SECONDS)
        self._wait_until_settled()
        if not self._connected.is_set():
            self.close()
            raise NetworkUnreachable(self._failure or "no answer in time")

    def _wait_until_settled(self) -> None:
        """Waits for the connect, in vain when WhatsApp refuses the device quicker than the engine
        begins to pass events on: then it waits for ever for the keys it has deleted, silently.

        Raises LinkEnded. The engine's threads of that session never end.
        """
        deadline = time.monotonic() + _CONNECT_SECONDS
        while not self._settled.wait(_LOOK_SECONDS) and time.monotonic() < deadline:
            try:
                _check_keys(self._request)
            except KeysMissing:
                with self._state:
                    self._closed = True
                self._stop()
                raise

    def _run(self) -> None:
        """Holds the session: returns when it was stopped, or cannot go on."""
        settings = library.proxy_settings(self._request.proxy)
        try:
            self._client.connect(settings)
        except Exception as error:
            self._failure = str(error)
            log.warning("the engine left session %s: %s", self._request.jid, error)
        with self._state:
            unexpected = self._connected.is_set() and not self._closed
            self._open = False
        self._settled.set()
        if unexpected:
            self._stop()
            detail = (self._failure or "the engine returned").encode()
            self._on_event(RawEvent(SESSION_ENDED, detail, datetime.now(UTC)))

    def _on_device(self, device: bytes) -> None:
        with self._state:
            self._open = not self._closed
            self._connected.set()
        self._settled.set()
        if self._closed:  # by somebody who could not wait for a slow network
            self._stop()

    def close(self) -> None:
        """Disconnects and frees the session. Safe to call twice, and from an event's handler."""
        with self._state:
            self._closed = True
            self._open = False
            started = self._thread
        if started is None:
            return
        if self._settled.wait(_STOP_SECONDS):
            self._stop()
        if not self._on_own_thread():
            started.join(_STOP_SECONDS)

    def _stop(self) -> None:
        """Takes the session out of the engine's maps, once."""
        with self._state:
            if self._stopped:
                return
            self._stopped = True
            looking_up = self._looking_up
        if looking_up:
            time.sleep(_LOOKED_UP_SECONDS)
        with _lifecycle:
            self._client.stop()

    def _on_own_thread(self) -> bool:
        """Whether this runs in an event's handler: neonize names that thread for the client."""
        current = threading.current_thread()
        return current is self._thread or current.name == self._client.uuid.decode()

    def logout(self) -> None:
        """Unlinks this device, deletes its keys, and closes; still open when it raises."""
        with self._live() as client:
            client.logout()
        self.close()

    def send_text(
        self, to: str, text: str, *, secret: bytes, context: Context = NO_CONTEXT
    ) -> Sent:
        """Sends a text and returns when WhatsApp has accepted it. Raises EngineError."""
        return self._send(to, library.text_message(text, context), secret)

    def send_file(
        self,
        to: str,
        file: OutgoingFile,
        caption: str,
        *,
        secret: bytes,
        context: Context = NO_CONTEXT,
    ) -> Sent:
        """Uploads a file and sends it. Raises EngineError, and what `file.read` raises."""
        uploaded = self._upload(file)
        message = library.file_message(file.facts, caption, file.preview, uploaded)
        library.add_context(message, context)
        return self._send(to, message, secret)

    def send_details(
        self, to: str, said: Said, *, secret: bytes, context: Context = NO_CONTEXT
    ) -> Sent:
        """Sends a place, contact cards or a poll. Raises EngineError."""
        message = details_message(said)
        library.add_context(message, context)
        return self._send(to, message, secret)

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
        """Sends a reaction, an edit or a deletion. Raises EngineError."""
        return self._send(to, amendment_message(to, kind, text, target, mentions), secret)

    def send_vote(self, to: str, vote: SealedVote, target: Target, *, secret: bytes) -> Sent:
        """Sends a vote in a poll. Raises EngineError."""
        return self._send(to, vote_message(to, vote, target), secret)

    def _upload(self, file: OutgoingFile) -> Any:
        """The engine takes files whole, and holds one two and a half times until it is uploaded:
        large ones wait for each other, in all sessions of the process."""
        with self._live(), one_large_file((file.facts.size or 0), self._is_closed):
            content = file.read()
            try:
                return self._client.upload(content, library.media_type(file.facts.kind))
            except library.engine_exception() as error:
                raise upload_error(_sentence(error)) from error

    def _is_closed(self) -> bool:
        return self._closed

    def _send(self, to: str, message: Any, secret: bytes) -> Sent:
        if len(secret) != SECRET_LENGTH:
            raise ValueError(f"a message secret has {SECRET_LENGTH} bytes")
        message.messageContextInfo.messageSecret = secret
        with self._live() as client:
            self._check_keys_can_be_written()
            answer = client.send_message(library.jid_of(to), message)
        return Sent(answer.ID, datetime.fromtimestamp(answer.Timestamp, UTC))

    def _check_keys_can_be_written(self) -> None:
        store = self._request.store
        if library.key_store_watch.failing or not keystore.is_writable(store):
            raise KeyStoreUnwritable(store if not keystore.is_postgres(store) else "")

    def check(self, seconds: float) -> None:
        """Asks WhatsApp for the account's own list of blocked people, and waits `seconds` at most.

        A read that changes nothing and that nobody sees. It takes no lock of a send (whatsmeow,
        request.go), and for a session that was closed meanwhile it answers "client is nil".
        Raises NotConnected, NoAnswer, KeyStoreUnwritable.
        """
        with self._live():
            self._check_keys_can_be_written()
        stuck = self._tap.seconds_stuck()
        if stuck > seconds:
            raise NoAnswer(f"an event has not been taken for {stuck:.0f} s")
        self._round_trip.make(seconds)

    def find_sent_id(self, secret: bytes) -> str | None:
        """Returns the id of the message with this secret, None if it never left.

        Raises KeyStoreUnwritable when it may have left without its id being written down.
        """
        found = keystore.find_sent_id(self._request.store, self._request.jid, secret)
        if found is None and library.key_store_watch.failing:
            raise KeyStoreUnwritable("the id may not have been written down")
        return found

    def contacts(self) -> list[Person]:
        """Returns whom the account knows. Raises KeyStoreUnreadable."""
        return contacts.known_people(self._request.store, self._request.jid)

    def mark_read(self, ids: Sequence[str], *, chat: str, sender: str) -> None:
        """Tells `sender` that these messages of `chat` were read. Raises EngineError."""
        if not ids:
            return
        with self._live() as client:
            client.mark_read(
                *ids,
                chat=library.jid_of(chat),
                sender=library.jid_of(sender),
                receipt=library.read_receipt(),
            )

    def lid_of(self, phone: str) -> str | None:
        """Returns the LID of a registered number, None for any other. Raises EngineError.

        For a session that was closed meanwhile it answers "client is nil" (whatsmeow, user.go).
        """
        with self._live() as client:
            found = client.is_on_whatsapp(f"+{phone}")
        return next((str(one.JID.User) for one in found if one.IsIn), None)

    def reject_call(self, call_id: str, *, caller: str) -> None:
        """Declines a call that rings. Raises EngineError."""
        with self._live() as client:
            client.reject_call(library.jid_of(caller), call_id)

    def set_available(self, available: bool) -> None:
        """Shows the account as online or not. Raises EngineError."""
        with self._live() as client:
            client.send_presence(library.presence(available))

    @contextmanager
    def _live(self, *, reads_store: bool = False) -> Iterator[Any]:
        """Gives the client of an open session and turns the engine's errors into ours.

        Raises NotConnected. The session may be closed while a call begins: most calls answer
        "client is nil" then. One that would end the process (it `reads_store`) is given the time to
        find its client before that is taken away.
        """
        with self._state:
            if not self._open or self._stopped:
                raise NotConnected("the session is not open")
            self._looking_up += reads_store
        try:
            yield self._client
        except library.engine_exception() as error:
            raise engine_error(_sentence(error)) from error
        finally:
            with self._state:
                self._looking_up -= reads_store


def _sentence(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    text = getattr(text, "Error", text)  # about pictures neonize raises the whole answer
    return text.decode() if isinstance(text, bytes) else str(text)


def _check_keys(request: OpenRequest) -> None:
    """Raises KeysMissing, LinkEnded when the engine deleted them, KeyStoreUnreadable."""
    if keystore.find_account(request.store, request.jid) is None:
        ended = keystore.is_in_use(request.store)
        raise LinkEnded(request.jid) if ended else KeysMissing(request.jid)
