"""Finds sessions that claim to be connected and are not, which no event tells."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import structlog

from app.core.backoff import with_jitter
from app.engine.errors import EngineError, KeyStoreUnwritable
from app.sessions.line import Line

log = structlog.get_logger(__name__)

ANSWER_SECONDS = 10.0
"""What WhatsApp has to answer in; the engine's own pings have as long."""
FIRST_CHECK_SECONDS = 10.0
"""After this a new connection has to prove itself."""
CONFIRM_SECONDS = 3.0
"""Between a check that failed and the one that decides: a drop may just be being reported."""


class Watchdog:
    """Asks WhatsApp over one line, on a thread of its own: the session's own may hang in a send.

    `on_proof` is called after each check that found the session alive.
    """

    def __init__(self, line: Line, *, every: float, on_proof: Callable[[], None]) -> None:
        self._line = line
        self._every = every
        self._on_proof = on_proof
        self._proven = False
        self._nudged = threading.Event()
        self._stopped = threading.Event()

    def start(self, name: str) -> None:
        """Begins to watch."""
        threading.Thread(target=self._run, name=f"watchdog {name}", daemon=True).start()

    def stop(self) -> None:
        """Ends it; a check under way changes nothing any more."""
        self._stopped.set()
        self._nudged.set()

    def hurry(self) -> None:
        """There is reason to doubt the connection: checks it now."""
        self._nudged.set()

    def _run(self) -> None:
        while True:
            self._nudged.wait(self._pause())
            self._nudged.clear()
            if self._stopped.is_set():
                return
            try:
                self._look()
            except Exception:
                log.exception("watchdog.failed")  # it looks again

    def _pause(self) -> float:
        pause = self._every if self._proven else min(self._every, FIRST_CHECK_SECONDS)
        return with_jitter(timedelta(seconds=pause)).total_seconds()

    def _look(self) -> None:
        self._proven = False
        if not self._line.is_up:
            return
        error = self._line.check(ANSWER_SECONDS)
        if error is not None and not isinstance(error, KeyStoreUnwritable):
            error = self._second_opinion(error)
        if self._stopped.is_set():
            return
        if error is not None:
            log.warning("session.dead", error=str(error))
            self._line.give_up("no_answer" if error.slug == "not_connected" else error.slug)
        elif self._line.is_up:
            self._proven = True
            self._on_proof()

    def _second_opinion(self, first: EngineError) -> EngineError | None:
        log.info("session.doubted", error=str(first))
        self._stopped.wait(CONFIRM_SECONDS)
        return self._line.check(ANSWER_SECONDS)
