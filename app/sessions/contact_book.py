"""Copies what the engine knows of people into the database, while the session is connected.

Nothing tells when the phone has sent its address book, nor of a change in it. So it is looked at
some seconds after a connection stands, every hour, and when somebody asks. What a look finds is
compared with the last one; if it differs it is written piece by piece, between other work.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from flask import Flask

from app.clock import utcnow
from app.core.backoff import with_jitter
from app.engine.base import EngineSession, Person
from app.engine.errors import EngineError
from app.models import LinkedAccount
from app.services import contact_imports, whatsapp_contacts
from app.sessions.leases import Held, holding

log = structlog.get_logger(__name__)

AFTER_LINKING = (3.0, 15.0, 60.0)
"""Seconds between looks at a book that was never read: the phone sends it when it likes."""
AFTER_CONNECTING = (30.0,)
EVERY = 3600.0
TROUBLE = 60.0  # after the key store could not be read
PIECE = 200
"""People written in one transaction."""


class ContactBook:
    """The contacts of one session; everything runs on the session's own thread."""

    def __init__(self, app: Flask, held: Held, account: LinkedAccount) -> None:
        self._app = app
        self._held = held
        self._account_id = account.id
        self._own = {account.phone, account.lid} - {None}
        read_at = account.contacts_read_at
        self._is_new = read_at is None or read_at < account.linked_at
        self._connection = 0
        self._pauses: list[float] = []
        self._due_at = float("inf")
        self._written: frozenset[Person] | None = None
        self._work: Iterator[None] | None = None

    def step(self, session: EngineSession, *, wanted_at: datetime | None, connection: int) -> bool:
        """Does the next piece of work, if there is any; whether it did. `connection` counts the
        connections of this session. Raises LeaseLost, DBAPIError."""
        if connection != self._connection:
            self._connection = connection
            self._pauses = list(AFTER_LINKING if self._is_new else AFTER_CONNECTING)
            self._plan()
        if self._work is None and (wanted_at is not None or self.wait_seconds() == 0):
            self._work = self._look(session, asked=wanted_at is not None)
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
        """How long until there is something to do, if nobody asks."""
        return max(0.0, self._due_at - time.monotonic())

    def _plan(self) -> None:
        pause = timedelta(seconds=self._pauses.pop(0) if self._pauses else EVERY)
        self._due_at = time.monotonic() + with_jitter(pause).total_seconds()

    def _look(self, session: EngineSession, *, asked: bool) -> Iterator[None]:
        """One look, a transaction at a time."""
        began_at = utcnow()
        self._plan()
        try:
            known = session.contacts()
            people = [p for p in known if p.phone not in self._own and p.lid not in self._own]
        except EngineError as error:
            log.warning("contacts.not_read", error=str(error))
            people = None
        if people is None:
            self._due_at = time.monotonic() + TROUBLE
        elif frozenset(people) != self._written:
            yield from self._write(people)
            self._written = frozenset(people)
        elif not asked:
            return
        with self._app.app_context(), holding(self._held) as rows:
            account = rows.get_one(LinkedAccount, self._account_id)
            whatsapp_contacts.finish(account, began_at=began_at)
            contact_imports.go_on(account)

    def _write(self, people: list[Person]) -> Iterator[None]:
        for first in range(0, len(people), PIECE):
            with self._app.app_context(), holding(self._held) as rows:
                account = rows.get_one(LinkedAccount, self._account_id)
                whatsapp_contacts.write(account, people[first : first + PIECE])
            yield
        keys = whatsapp_contacts.keys_of(people)
        # A phone that was just linked has told nothing yet: then nobody is forgotten.
        behind: str | None = "" if keys else None
        while behind is not None:
            with self._app.app_context(), holding(self._held) as rows:
                account = rows.get_one(LinkedAccount, self._account_id)
                behind = whatsapp_contacts.forget_others(account, keys, behind=behind)
            yield
