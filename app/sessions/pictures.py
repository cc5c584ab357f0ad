"""Asks WhatsApp for the profile pictures that somebody wants to see, slowly: a phone that scrolls
through its chats asks no faster."""

from __future__ import annotations

import time

import structlog
from flask import Flask

from app.config import settings_of
from app.engine.base import EngineSession, Picture
from app.engine.errors import EngineError
from app.extensions import db
from app.models import Instance
from app.services import profile_pictures
from app.services.profile_pictures import Wanted
from app.sessions.leases import Held, holding

log = structlog.get_logger(__name__)

PACE = 1.0
"""Seconds between two questions."""
TROUBLE = 600.0
"""After WhatsApp has had enough, or did not answer."""
OFFLINE = 5.0
"""After the connection was lost."""
_NEVER_ASKED = frozenset({"not_connected", "connection_lost"})


class Pictures:
    """The wanted pictures of one session; everything runs on the session's own thread."""

    def __init__(self, app: Flask, held: Held) -> None:
        self._app = app
        self._held = held
        self._is_on = settings_of(app).profile_pictures
        self._due_at = 0.0
        self._more = False  # there may be another one that is wanted

    def step(self, session: EngineSession) -> bool:
        """Asks for the next one, if there is any; whether it did. Raises LeaseLost, DBAPIError."""
        if not self._is_on or time.monotonic() < self._due_at:
            return False
        with self._app.app_context():
            instance = db.session.get(Instance, self._held.instance_id)
            wanted = profile_pictures.next_wanted(instance) if instance else None
            self._more = wanted is not None
            if wanted is None:
                return False
        try:
            picture = session.people.picture(wanted.jid)
        except EngineError as error:
            self._put_off(wanted, error)
        else:
            self._write(wanted, picture)
        self._due_at = max(self._due_at, time.monotonic() + PACE)
        return True

    def wait_seconds(self) -> float:
        """How long until there is something to do, if nobody asks."""
        if not self._more:
            return float("inf")
        return max(0.0, self._due_at - time.monotonic())

    def _write(self, wanted: Wanted, picture: Picture | None) -> None:
        with self._app.app_context(), holding(self._held):
            if picture is None:
                profile_pictures.told_none(wanted.id, since=wanted.since)
            else:
                told = wanted.id, picture.id, picture.url
                profile_pictures.told(*told, since=wanted.since)

    def _put_off(self, wanted: Wanted, error: EngineError) -> None:
        """Without a connection the wish stays. One refusal may be about that one alone; where
        WhatsApp is silent, or has had enough, it is left in peace for a while."""
        log.warning("picture.not_told", error=str(error))
        if error.slug in _NEVER_ASKED:
            self._due_at = time.monotonic() + OFFLINE
            return
        if not error.permanent:
            self._due_at = time.monotonic() + TROUBLE
        with self._app.app_context(), holding(self._held):
            profile_pictures.not_told(wanted.id)
