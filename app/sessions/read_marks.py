"""Tells WhatsApp what people here have read, on the session's own thread."""

from __future__ import annotations

import structlog
from flask import Flask

from app.engine.base import EngineSession
from app.engine.errors import EngineError, NotConnected
from app.models import LinkedAccount
from app.services import reading
from app.sessions.leases import Held, holding

log = structlog.get_logger(__name__)


class ReadMarks:
    """What one session is to tell. A host that dies between telling and writing it down leaves the
    rows to the next, which tells it again: that changes nothing on WhatsApp."""

    def __init__(self, app: Flask, held: Held, account: LinkedAccount) -> None:
        self._app = app
        self._held = held
        self._account_id = account.id

    def tell(self, session: EngineSession) -> bool:
        """Tells of messages of one sender in one chat; whether there were any. Raises LeaseLost,
        DBAPIError."""
        with self._app.app_context():
            receipt = reading.next_receipt(self._account_id)
        if receipt is None:
            return False
        ended = reading.told
        try:
            session.mark_read(receipt.wa_ids, chat=receipt.chat, sender=receipt.sender)
        except NotConnected:
            return False
        except EngineError as error:
            log.warning("messages.not_marked_read", chat=receipt.chat, error=str(error))
            ended = reading.refused
        with self._app.app_context(), holding(self._held):
            ended(receipt.message_ids)
        return True
