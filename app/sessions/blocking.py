"""Who is blocked: changed where somebody wishes it, and read anew after each connection and when
WhatsApp tells of a change, for the phone blocks people, too."""

from __future__ import annotations

import threading
import time

import structlog
from flask import Flask

from app.core.groups import WishedAct
from app.core.phones import LID_SERVER
from app.engine.base import EngineSession
from app.engine.errors import EngineError
from app.models import LinkedAccount
from app.services import blocking
from app.sessions.leases import Held, holding

log = structlog.get_logger(__name__)

AFTER_CONNECTING = 1.5
TROUBLE = 60.0  # after WhatsApp did not answer


class Blocklist:
    """The list of one session; everything runs on the session's own thread."""

    def __init__(self, app: Flask, held: Held, account: LinkedAccount) -> None:
        self._app = app
        self._held = held
        self._account_id = account.id
        self._connection = 0
        self._due_at = float("inf")
        self._changed = threading.Event()

    def hurry(self) -> None:
        """The list has changed, says WhatsApp. Called from another thread."""
        self._changed.set()

    def step(self, session: EngineSession, *, connection: int) -> bool:
        """Reads the list when that is due; whether it was. `connection` counts the connections of
        this session. Raises LeaseLost, DBAPIError."""
        if connection != self._connection:
            self._connection = connection
            self._due_at = time.monotonic() + AFTER_CONNECTING
        if self.wait_seconds() > 0:
            return False
        self._changed.clear()
        try:
            jids = session.people.blocked()
        except EngineError as error:
            log.warning("blocklist.not_read", error=str(error))
            self._due_at = time.monotonic() + TROUBLE
            return True
        with self._app.app_context(), holding(self._held) as rows:
            blocking.learn(rows.get_one(LinkedAccount, self._account_id), jids)
        self._due_at = float("inf")
        return True

    def wait_seconds(self) -> float:
        """How long until there is something to do."""
        if self._changed.is_set() and self._due_at == float("inf"):
            return 0.0
        return max(0.0, self._due_at - time.monotonic())


def change(session: EngineSession, act: WishedAct, jid: str) -> tuple[str | None, str | None]:
    """Blocks the person of this JID, or does not any more; number and LID, as far as they are
    known then. The list names people by LID, so that is asked for. Raises EngineError."""
    user, _, server = jid.partition("@")
    phone, lid = (None, user) if server == LID_SERVER else (user, session.lid_of(user))
    if lid is None:
        raise EngineError("not_on_whatsapp", permanent=True)
    if act is WishedAct.BLOCK:
        session.people.block(jid)
    else:
        session.people.unblock(jid)
    return phone, lid
