"""The host's one thread that brings what arrived into the database, session by session."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DBAPIError

from app.sessions.leases import LeaseLost

if TYPE_CHECKING:
    from app.sessions.session import LiveSession

log = structlog.get_logger(__name__)

_TROUBLE_SECONDS = 1.0


class Ingest:
    """Takes turns: one batch of one session, then of the next. One writer per host keeps sessions
    from fighting for the database's write lock."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[LiveSession | None] = queue.SimpleQueue()
        self._queued: set[LiveSession] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name="ingest", daemon=True).start()

    def serve(self, session: LiveSession) -> None:
        """From now on takes what arrives for `session`."""
        session.inbox.on_arrival = lambda: self._queue(session)
        self._queue(session)

    def stop(self) -> None:
        """Ends the thread; what is not committed stays in the spools."""
        self._waiting.put(None)

    def _queue(self, session: LiveSession) -> None:
        with self._lock:
            if session in self._queued:
                return
            self._queued.add(session)
        self._waiting.put(session)

    def _run(self) -> None:
        while (session := self._waiting.get()) is not None:
            with self._lock:
                self._queued.discard(session)
            if self._commit(session):
                self._queue(session)

    def _commit(self, session: LiveSession) -> bool:
        """Whether there may be more to do for `session`."""
        try:
            return session.inbox.commit()
        except LeaseLost:
            session.close(lost=True)
        except DBAPIError as error:
            log.error("ingest.database", error=str(error.orig))
            threading.Event().wait(_TROUBLE_SECONDS)
            return True
        except Exception:
            log.exception("ingest.failed", instance_id=session.held.instance_id)
        return False
