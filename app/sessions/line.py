"""The engine's side of one session, and what is known about it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from app.config import Settings
from app.engine.base import Engine, EngineSession, EventSink, OpenRequest
from app.engine.errors import EngineError, NetworkUnreachable
from app.engine.events import Connected, Event, SessionEnded
from app.engine.process import SandboxStateError
from app.sessions import key_files, network, states

log = structlog.get_logger(__name__)


class Line:
    """One session of the engine after another: an engine's session is started once.

    `heard` runs on the host's ingest thread, everything else on the session's own.
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
        self.available = False
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
        self._over = threading.Event()
        self._broken = False

    @property
    def session(self) -> EngineSession:
        """The engine's session, connected or not. Raises KeysMissing."""
        if self._session is None:
            self._session = self._engine.open(self._request(), self._sink)
        return self._session

    @property
    def is_started(self) -> bool:
        """Whether the engine holds the connection, or restores it by itself."""
        return self._started and not self._broken

    @property
    def is_up(self) -> bool:
        """Whether messages can be sent."""
        return self._up.is_set()

    @property
    def is_over(self) -> bool:
        """Whether WhatsApp ended this session for good."""
        return self._over.is_set()

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
        if self._started or self._broken:
            self.close()
        session = self.session
        self._since = time.monotonic()
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
        self._started = self._broken = self.available = False
        self._up.clear()

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

    def show_available(self) -> None:
        """Shows the account as online, so that the receipts it gives say "delivered". Before
        WhatsApp has told our own name this fails, and is tried again."""
        try:
            self.session.set_available(True)
        except EngineError as error:
            log.debug("session.not_available_yet", error=str(error))
            return
        self.available = True

    def heard(self, event: Event) -> None:
        """Takes note of an event of the session itself."""
        move = states.move_of(event)
        if move is not None and move.ends:
            self._over.set()
        if isinstance(event, SessionEnded):
            self._broken = True
        if isinstance(event, Connected):
            self._up.set()
        else:
            self._up.clear()
        self.available = False
        self._since = time.monotonic()
        self._notify()

    def _request(self) -> OpenRequest:
        try:
            proxy = network.proxy_of(self._settings)
        except SandboxStateError as error:
            raise NetworkUnreachable(str(error)) from error
        store = key_files.store_of(self._settings, self._key_store)
        return OpenRequest(jid=self._jid, store=store, proxy=proxy)
