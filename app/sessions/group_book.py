"""Copies what WhatsApp says about the account's groups into the database.

Changes come as events while the session is connected. The whole list is asked for after each
connection, when a message came in a group that is not known yet, and a few times a day.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import structlog
from flask import Flask

from app.core.backoff import with_jitter
from app.core.groups import GroupFacts
from app.engine.base import EngineSession
from app.engine.errors import EngineError
from app.models import LinkedAccount
from app.services import groups
from app.sessions.leases import Held, holding

log = structlog.get_logger(__name__)

AFTER_CONNECTING = 1.0
EVERY = 6 * 3600.0
SOON = 0.5  # after something about a group turned out to be unknown
AT_MOST_EVERY = 10.0
TROUBLE = 60.0  # after WhatsApp did not answer
PIECE = 10
"""Groups written in one transaction."""


class GroupBook:
    """The groups of one session; all but `hurry` runs on the session's own thread."""

    def __init__(self, app: Flask, held: Held, account: LinkedAccount) -> None:
        self._app = app
        self._held = held
        self._account_id = account.id
        self._connection = 0
        self._due_at = float("inf")
        self._looked_at = float("-inf")
        self._unknown = False
        self._work: Iterator[None] | None = None

    def hurry(self) -> None:
        """Something about a group is unknown: WhatsApp is asked soon."""
        self._unknown = True

    def step(self, session: EngineSession, *, connection: int) -> bool:
        """Does the next piece of work, if there is any; whether it did. `connection` counts the
        connections of this session. Raises LeaseLost, DBAPIError."""
        if connection != self._connection:
            self._connection = connection
            self._due_at = time.monotonic() + AFTER_CONNECTING
        if self._unknown:
            self._unknown = False
            soon = max(time.monotonic() + SOON, self._looked_at + AT_MOST_EVERY)
            self._due_at = min(self._due_at, soon)
        if self._work is None and self.wait_seconds() == 0:
            self._work = self._look(session)
        if self._work is None:
            return False
        try:
            next(self._work)
        except StopIteration:
            self._work = None
        except BaseException:
            self._work, self._due_at = None, time.monotonic() + TROUBLE
            raise
        return True

    def wait_seconds(self) -> float:
        """How long until there is something to do."""
        return SOON if self._unknown else max(0.0, self._due_at - time.monotonic())

    def _look(self, session: EngineSession) -> Iterator[None]:
        """One look, a transaction at a time."""
        self._looked_at = time.monotonic()
        self._due_at = self._looked_at + with_jitter(timedelta(seconds=EVERY)).total_seconds()
        try:
            found = session.groups.all()
        except EngineError as error:
            log.warning("groups.not_read", error=str(error))
            self._due_at = time.monotonic() + TROUBLE
            return
        for first in range(0, len(found), PIECE):
            self._write(found[first : first + PIECE])
            yield
        with self._app.app_context(), holding(self._held) as rows:
            account = rows.get_one(LinkedAccount, self._account_id)
            groups.forget_others(account, {facts.id for facts in found})

    def _write(self, found: list[GroupFacts]) -> None:
        with self._app.app_context(), holding(self._held) as rows:
            account = rows.get_one(LinkedAccount, self._account_id)
            for facts in found:
                groups.learn(account, facts)
