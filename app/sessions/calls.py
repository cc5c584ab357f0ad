"""Rejects calls, for instances that are to do so."""

from __future__ import annotations

import threading

import structlog
from flask import Flask

from app.clock import utcnow
from app.engine.base import EngineSession
from app.engine.errors import EngineError
from app.extensions import db
from app.models import Call
from app.models.call import Fate
from app.services import calls
from app.sessions.leases import Held, holding

log = structlog.get_logger(__name__)


class Rejecting:
    """The calls that are to be rejected. They are rows: `ring` only says that there may be some,
    and so does the beginning of a session, for what a host that is gone has left."""

    def __init__(self, app: Flask, held: Held, account_id: str) -> None:
        self._app = app
        self._held = held
        self._account_id = account_id
        self._due = threading.Event()
        self._due.set()

    def ring(self) -> None:
        """A call came that is to be rejected. For the ingest thread, after its commit."""
        self._due.set()

    def reject(self, session: EngineSession) -> bool:
        """Rejects the oldest call that rings; whether it did. One that cannot be rejected now is
        tried again while it is fresh. Raises LeaseLost, DBAPIError."""
        call = self._next()
        if call is None:
            return False
        try:
            session.reject_call(call.wa_id, caller=calls.caller_jid(call))
        except EngineError as error:
            log.warning("call.not_rejected", call_id=call.id, error=str(error))
            return False
        with self._app.app_context(), holding(self._held) as database:
            calls.settle(database.get_one(Call, call.id), Fate.REJECTED)
        return True

    def leave(self, *, all_of_them: bool = False) -> None:
        """Gives up on the calls that are not fresh any more, or on all. Raises LeaseLost,
        DBAPIError."""
        oldest = self._next()
        before = utcnow() if all_of_them else utcnow() - calls.FRESH
        if oldest is None or oldest.offered_at > before:
            return
        with self._app.app_context(), holding(self._held):
            calls.leave(self._account_id, begun_before=before)

    def _next(self) -> Call | None:
        if not self._due.is_set():
            return None
        self._due.clear()  # before the look: what comes meanwhile sets it again
        found = None
        try:
            with self._app.app_context():
                found = calls.oldest_ringing(self._account_id)
                db.session.expunge_all()
        except BaseException:
            self._due.set()
            raise
        if found is not None:
            self._due.set()
        return found
