"""Answers questions whether numbers are on WhatsApp, on the session's own thread."""

from __future__ import annotations

import structlog
from flask import Flask

from app.engine.base import EngineSession
from app.engine.errors import EngineError
from app.services import number_checks
from app.sessions.leases import Held, holding

log = structlog.get_logger(__name__)


class NumberChecks:
    """The open questions about one session."""

    def __init__(self, app: Flask, held: Held) -> None:
        self._app = app
        self._held = held

    def answer(self, session: EngineSession) -> bool:
        """Answers the oldest question; whether there was one. Raises LeaseLost, DBAPIError."""
        with self._app.app_context():
            check = number_checks.next_open(self._held.instance_id)
            if check is None:
                return False
            check_id, phone = check.id, check.phone
        registered, lid = None, None
        try:
            lid = session.lid_of(phone)
            registered = lid is not None
        except EngineError as error:
            log.warning("number.not_checked", error=str(error))
        with self._app.app_context(), holding(self._held):
            number_checks.answer(check_id, registered=registered, lid=lid)
        return True
