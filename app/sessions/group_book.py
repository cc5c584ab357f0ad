"""Copies what WhatsApp says about the account's groups into the database.

Changes come as events while the session is connected. The whole list is asked for after each
connection and a few times a day; a single group when a message came in one that is unknown here,
or somebody new is known by LID alone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterator
from datetime import timedelta

import structlog
from flask import Flask

from app.core.backoff import with_jitter
from app.core.groups import GroupFacts
from app.engine.base import EngineSession
from app.engine.errors import EngineError
from app.models import LinkedAccount
from app.services import chats, groups
from app.sessions.leases import Held, holding

log = structlog.get_logger(__name__)

AFTER_CONNECTING = 1.0
EVERY = 6 * 3600.0
PAUSE = 2.0  # between questions about single groups
TROUBLE = 60.0  # after WhatsApp did not answer
PIECE = 10
"""Groups written in one transaction."""
MOST_UNKNOWN = 200
"""Groups that are asked about one by one; what is beyond that waits for the next whole list."""


class GroupBook:
    """The groups of one session; all but `hurry` runs on the session's own thread."""

    def __init__(self, app: Flask, held: Held, account: LinkedAccount) -> None:
        self._app = app
        self._held = held
        self._account_id = account.id
        self._connection = 0
        self._due_at = self._single_at = float("inf")
        self._unknown: deque[str] = deque(maxlen=MOST_UNKNOWN)
        self._work: Iterator[None] | None = None

    def hurry(self, group_ids: Collection[str]) -> None:
        """Something about these groups is unknown: WhatsApp is asked soon."""
        self._unknown.extend(one for one in group_ids if one not in self._unknown)

    def step(self, session: EngineSession, *, connection: int) -> bool:
        """Does the next piece of work, if there is any; whether it did. `connection` counts the
        connections of this session. Raises LeaseLost, DBAPIError."""
        if connection != self._connection:
            self._connection = connection
            self._due_at = time.monotonic() + AFTER_CONNECTING
            self._single_at = float("inf")  # the whole list comes first
        if self._work is None and time.monotonic() >= self._due_at:
            self._work = self._look(session)
        if self._work is not None:
            return self._go_on()
        if self._unknown and time.monotonic() >= self._single_at:
            self._ask(session, self._unknown.popleft())
            return True
        return False

    def wait_seconds(self) -> float:
        """How long until there is something to do."""
        soonest = min(self._due_at, self._single_at if self._unknown else float("inf"))
        return max(0.0, soonest - time.monotonic())

    def _go_on(self) -> bool:
        assert self._work is not None  # noqa: S101 - the caller has looked
        try:
            next(self._work)
        except StopIteration:
            self._work = None
        except BaseException:
            self._work, self._due_at = None, time.monotonic() + TROUBLE
            raise
        return True

    def _look(self, session: EngineSession) -> Iterator[None]:
        """One look at all groups, a transaction at a time."""
        self._due_at = time.monotonic() + with_jitter(timedelta(seconds=EVERY)).total_seconds()
        try:
            found = session.groups.all()
        except EngineError as error:
            log.warning("groups.not_read", error=str(error))
            self._due_at = time.monotonic() + TROUBLE
            return
        for first in range(0, len(found), PIECE):
            self._write(found[first : first + PIECE])
            yield
        ids = {facts.id for facts in found}
        with self._app.app_context(), holding(self._held) as rows:
            groups.forget_others(rows.get_one(LinkedAccount, self._account_id), ids)
        for known in ids & set(self._unknown):
            self._unknown.remove(known)
        self._single_at = time.monotonic()

    def _ask(self, session: EngineSession, group_id: str) -> None:
        """One look at one group. Where WhatsApp does not say, the next whole list will."""
        self._single_at = time.monotonic() + PAUSE
        try:
            self._write([session.groups.one(f"{group_id}@g.us")])
        except EngineError as error:
            log.warning("group.not_read", group_id=group_id, error=str(error))
            if error.slug == "not_in_group":
                with self._app.app_context(), holding(self._held) as rows:
                    account = rows.get_one(LinkedAccount, self._account_id)
                    groups.leave(chats.group(account, group_id))

    def _write(self, found: list[GroupFacts]) -> None:
        with self._app.app_context(), holding(self._held) as rows:
            account = rows.get_one(LinkedAccount, self._account_id)
            for facts in found:
                groups.learn(account, facts)
