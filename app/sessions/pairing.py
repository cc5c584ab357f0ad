"""One attempt to link a phone: follows the pairing process and keeps the attempt's row."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from datetime import datetime

import structlog
from sqlalchemy.exc import OperationalError

from app.config import Settings, current_settings
from app.engine.process import SandboxStateError
from app.extensions import db
from app.models import Pairing
from app.services import pairings
from app.sessions import key_files
from app.sessions.pairing_child import ChildGone, PairingChild, Said
from app.sessions.reconcile import reconcile
from app.transaction import transaction

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_BEAT_SECONDS = 5.0
_TRIES_TO_RECORD = 10


class Over(Exception):
    """The attempt has ended without a link."""


def run(pairing_id: str) -> None:
    """Runs the attempt to its end; does nothing when another worker took it, or it is over."""
    with transaction():
        if not pairings.take(pairing_id):
            return
        pairing = db.session.get_one(Pairing, pairing_id)
        key_store, phone = pairing.key_store, pairing.phone
    settings = current_settings()
    attempt = _Attempt(pairing_id, settings, key_store, phone)
    linked = False
    try:
        linked = attempt.run()
    finally:
        if not linked:
            key_files.remove(settings, key_store, attempt.jid)
    if linked:
        reconcile()  # the clock would, too, but somebody is watching


class _Attempt:
    """What the worker of one attempt knows."""

    def __init__(
        self, pairing_id: str, settings: Settings, key_store: str, phone: str | None
    ) -> None:
        self._id = pairing_id
        self._settings = settings
        self._key_store = key_store
        self._phone = phone
        self.jid: str | None = None  # of the device, once the phone has linked it
        self._next_beat = 0.0
        self._interrupted = threading.Event()

    def run(self) -> bool:
        """Whether the phone is linked now."""
        signal.signal(signal.SIGTERM, lambda *_: self._interrupted.set())
        try:
            with PairingChild(self._settings, self._key_store, self._phone) as child:
                return self._follow(child)
        except Over:
            return False
        except ChildGone as error:
            log.error("pairing.crashed", pairing_id=self._id, error=str(error))
            self._give_up("pairing_crashed")
        except (OSError, SandboxStateError) as error:
            log.error("pairing.not_started", pairing_id=self._id, error=str(error))
            self._give_up("network_unreachable" if self._settings.sandbox else "pairing_crashed")
        return False

    def _follow(self, child: PairingChild) -> bool:
        while True:
            said = child.hear(_LOOK_SECONDS)
            if self._interrupted.is_set() and (said is None or said.event != "paired"):
                self._give_up("pairing_crashed")
                return False
            if said is None:
                self._look()
            elif said.event == "code":
                self._show(said)
            elif said.event == "paired":
                self._record(said)
                return True
            else:
                log.info("pairing.failed", pairing_id=self._id, **said.values)
                self._give_up(said.values["reason"])
                return False

    def _look(self) -> None:
        """Goes on as long as somebody looks at the code and wants no other. Raises Over."""
        if time.monotonic() < self._next_beat:
            self._row()
            db.session.rollback()  # a look holds no connection
            return
        self._next_beat = time.monotonic() + _BEAT_SECONDS
        with transaction():
            pairing = self._row()
            pairings.beat(pairing)
            unseen = pairings.nobody_asks(pairing)
            if unseen:
                pairings.give_up(pairing, reason=None)
        if unseen:
            raise Over

    def _show(self, said: Said) -> None:
        with transaction():
            expires_at = datetime.fromisoformat(said.values["expires_at"])
            pairings.show_code(self._row(), said.values["text"], expires_at)

    def _record(self, said: Said) -> None:
        """The phone lists this device by now: the one thing that must be written down."""
        self.jid = said.values["jid"]
        user, _, device = said.values["jid"].partition("@")[0].partition(":")
        lid = said.values["lid"]
        for attempt in range(1, _TRIES_TO_RECORD + 1):
            try:
                with transaction():
                    pairings.finish(
                        self._row(),
                        phone=user,
                        lid=lid.partition("@")[0] if lid else None,
                        device=int(device or 0),
                        push_name=said.values["push_name"],
                    )
                return
            except OperationalError as error:
                log.error("pairing.not_recorded", pairing_id=self._id, error=str(error.orig))
                if attempt == _TRIES_TO_RECORD:
                    raise
                time.sleep(_LOOK_SECONDS)

    def _give_up(self, reason: str) -> None:
        with suppress(Over), transaction():
            pairings.give_up(self._row(), reason=reason)

    def _row(self) -> Pairing:
        """The attempt's row. Raises Over when somebody ended or deleted the attempt."""
        pairing = db.session.get(Pairing, self._id, with_for_update=True)
        if pairing is None or not pairing.active:
            raise Over
        return pairing
