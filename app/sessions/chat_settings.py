"""How chats are kept: the phone is told what people here want, and heard for what it changes.

No event tells of the phone's own changes. So they are read from the engine's keys: soon after each
connection, and later where these were written to since.
"""

from __future__ import annotations

import time
from collections.abc import Collection

import structlog
from flask import Flask

from app.core.chat_settings import ChatSettings
from app.engine.base import EngineSession
from app.engine.errors import EngineError
from app.models import LinkedAccount
from app.services import chat_wishes, phone_settings
from app.sessions.leases import Held, holding

log = structlog.get_logger(__name__)

AFTER_CONNECTING = 2.0
EVERY = 15.0
TROUBLE = 60.0  # after the keys could not be read
_NO_TRY = frozenset({"not_connected", "connection_lost"})


class ChatSettingsChore:
    """The chats of one session; everything runs on the session's own thread."""

    def __init__(self, app: Flask, held: Held, account: LinkedAccount) -> None:
        self._app = app
        self._held = held
        self._account_id = account.id
        self._connection = 0
        self._due_at = float("inf")
        self._stamp: object = None
        self._told: list[ChatSettings] = []  # when the keys were read last
        self._heard: set[ChatSettings] = set()  # what of it is so here by now

    def tell(self, session: EngineSession) -> bool:
        """Tells the oldest wish; whether there was one. Raises LeaseLost, DBAPIError."""
        with self._app.app_context():
            wish = chat_wishes.next_wish(self._account_id)
        if wish is None:
            return False
        try:
            session.chat_settings.tell(
                wish.jid, wish.aspect, on=wish.wanted, until=wish.until, last=wish.last
            )
        except EngineError as error:
            log.warning("chat_settings.not_told", aspect=wish.aspect, error=str(error))
            self._keep_wish(wish, error)
            return True
        with self._app.app_context(), holding(self._held):
            chat_wishes.told(wish)
        self._heard -= {one for one in self._heard if one.jid == wish.jid}
        self._stamp = None  # what was read is of before
        return True

    def _keep_wish(self, wish: chat_wishes.Wish, error: EngineError) -> None:
        with self._app.app_context(), holding(self._held):
            if error.slug in _NO_TRY:
                chat_wishes.put_off(wish)
            else:
                chat_wishes.not_taken(wish, error.slug, for_good=error.permanent)

    def step(self, session: EngineSession, *, connection: int) -> bool:
        """Hears what the phone has changed, when that is due; whether it did. `connection` counts
        the connections of this session. Raises LeaseLost, DBAPIError."""
        if connection != self._connection:
            self._connection = connection
            self._due_at = time.monotonic() + AFTER_CONNECTING
        if self.wait_seconds() > 0:
            return False
        self._due_at = time.monotonic() + EVERY
        if not self._read(session):
            return False
        fresh = [one for one in self._told if one not in self._heard]
        if fresh:
            self._learn(fresh)
        return bool(fresh)

    def _read(self, session: EngineSession) -> bool:
        """Reads the keys where they were written to since; whether that went well."""
        stamp = session.chat_settings.stamp()
        if stamp == self._stamp:
            return True
        try:
            self._told = session.chat_settings.known()
        except EngineError as error:
            log.warning("chat_settings.not_read", error=str(error))
            self._due_at = time.monotonic() + TROUBLE
            return False
        self._stamp = stamp
        return True

    def _learn(self, fresh: Collection[ChatSettings]) -> None:
        """Takes over what is new. What is about a chat that is not here yet waits for it."""
        with self._app.app_context():
            changed, strange = phone_settings.news(self._account_id, fresh)
        if changed:
            with self._app.app_context(), holding(self._held) as rows:
                phone_settings.learn(rows.get_one(LinkedAccount, self._account_id), changed)
        self._heard = set(self._told) - set(strange)

    def wait_seconds(self) -> float:
        """How long until there is something to do."""
        return max(0.0, self._due_at - time.monotonic())
