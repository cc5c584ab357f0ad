"""The engine's side of one session, and what is known about it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from app.config import Settings
from app.engine.base import Engine, EngineSession, EventSink, OpenRequest
from app.engine.errors import EngineError, NetworkUnreachable
from app.engine.events import Connected, Event
from app.engine.process import SandboxStateError
from app.sessions import key_files, network
from app.sessions.network import Route
from app.sessions.states import Move

log = structlog.get_logger(__name__)


class Line:
    """One session of the engine after another: an engine's session is started once.

    `heard` runs on the host's ingest thread, `check` and `give_up` on the watchdog's, everything
    else on the session's own.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        jid: str,
        key_store: str,
        sink: EventSink,
        notify: Callable[[], None],
    ) -> None:
        self.own_proxy: str | None = None  # as the instance's row has it now
        self.online = False  # what WhatsApp was told on this connection
        self.connections = 0  # how many there were, with the present one
        self._engine = engine
        self._settings = settings
        self._jid = jid
        self._key_store = key_store
        self._sink = sink
        self._notify = notify
        self._session: EngineSession | None = None
        self._started = False
        self._since = time.monotonic()  # when it went up or down
        self._up = threading.Event()
        self._was_up = False
        self._over = threading.Event()
        self._trouble = ""
        self._dropped = False
        self._route = Route()

    @property
    def session(self) -> EngineSession:
        """The engine's session, connected or not. Raises KeysMissing."""
        if self._session is None:
            self._session = self._engine.open(self._request(), self._sink)
        return self._session

    @property
    def is_started(self) -> bool:
        """Whether the engine holds the connection, or restores it by itself."""
        return self._started and not self._trouble

    @property
    def trouble(self) -> str:
        """Why the engine's session is of no use any more, as a slug; empty while it is."""
        return self._trouble

    @property
    def is_up(self) -> bool:
        """Whether messages can be sent."""
        return self._up.is_set()

    @property
    def is_over(self) -> bool:
        """Whether WhatsApp ended this session for good."""
        return self._over.is_set()

    @property
    def was_up(self) -> bool:
        """Whether the engine's session ever was connected."""
        return self._was_up

    @property
    def is_outdated(self) -> bool:
        """Whether the connection was lost since it was opened, and another proxy is set by now."""
        return self.is_started and self._dropped and self.own_proxy != self._route.own

    @property
    def is_blocked(self) -> bool:
        """Whether the instance's own proxy lets nothing through; asks it, for up to 8 s."""
        return network.is_blocked(self._route)

    def seconds_down(self) -> float:
        """How long the connection has been missing."""
        return 0.0 if self.is_up else time.monotonic() - self._since

    def wait_until_up(self, seconds: float) -> bool:
        """Whether the connection stands within `seconds`."""
        return self._up.wait(seconds)

    def wait_until_over(self, seconds: float) -> bool:
        """Whether the session ends for good within `seconds`."""
        return self._over.wait(seconds)

    def start(self) -> None:
        """Connects. Raises EngineError; another try takes another session of the engine."""
        if self._started or self._trouble:
            self.close()
        session = self.session
        self._since = time.monotonic()
        self._was_up = False
        try:
            session.start()
        except EngineError:
            self._session = None
            raise
        self._started = True

    def close(self) -> None:
        """Ends the engine's session; another one can be started."""
        session, self._session = self._session, None
        if session is not None:
            session.close()
        self._started = self._dropped = self.online = False
        self._trouble = ""
        self._up.clear()

    def check(self, seconds: float) -> EngineError | None:
        """Why a connection that is up is of no use; None when it is well, or not up any more."""
        session = self._session
        if session is None or not self.is_up:
            return None
        try:
            session.check(seconds)
        except EngineError as error:
            return error if self.is_up and session is self._session else None
        return None

    def give_up(self, trouble: str) -> None:
        """Ends the engine's session, and with it a send that hangs in it."""
        session = self._session
        if session is None or not self.is_up:
            return
        self._trouble = trouble
        self._up.clear()
        self._notify()
        session.close()

    def log_out(self) -> bool:
        """Whether WhatsApp was told that this device is gone."""
        if not self._started or not self._up.is_set():
            return False
        try:
            self.session.logout()
        except EngineError as error:
            log.warning("session.not_logged_out", error=str(error))
            return False
        return True

    def show(self, *, online: bool) -> None:
        """Shows the account as online, so that the receipts it gives say "delivered", or as not
        online. Before WhatsApp has told our own name this fails, and is tried again."""
        try:
            self.session.set_available(online)
        except EngineError as error:
            log.debug("session.presence_not_told_yet", error=str(error))
            return
        self.online = online

    def heard(self, event: Event, move: Move) -> None:
        """Takes note of an event of the session itself, and of where it brings the instance."""
        if move.ends:
            self._over.set()
        if move.reopens:
            self._trouble = str(move.reason)
        if isinstance(event, Connected):
            self._was_up = True
            self.connections += 1
            self._up.set()
        else:
            self._up.clear()
            self._dropped = True
        self.online = False
        self._since = time.monotonic()
        self._notify()

    def _request(self) -> OpenRequest:
        try:
            self._route = network.route_of(self._settings, self.own_proxy)
        except SandboxStateError as error:
            raise NetworkUnreachable(str(error)) from error
        store = key_files.store_of(self._settings, self._key_store)
        route = self._route
        return OpenRequest(jid=self._jid, store=store, proxy=route.proxy, typed=route.typed)
