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
from app.core.errors import Conflict
from app.engine.address import Address
from app.engine.base import Account
from app.engine.process import SandboxStateError
from app.extensions import db
from app.models import Instance, Pairing
from app.services import pairings
from app.sessions import key_files, links
from app.sessions.pairing_child import ChildGone, PairingChild, Said
from app.sessions.reconcile import reconcile
from app.transaction import transaction

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_BEAT_SECONDS = 5.0
_TRIES_TO_RECORD = 10


class Over(Exception):
    """The attempt is to end without a link: for `reason`, or without one when nobody wants it."""

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason


def run(pairing_id: str) -> None:
    """Runs the attempt to its end; does nothing when another worker took it, or it is over."""
    with transaction():
        if not pairings.take(pairing_id):
            return
        pairing = db.session.get_one(Pairing, pairing_id)
        own_proxy = db.session.get_one(Instance, pairing.instance_id).proxy_url
        key_store, phone = pairing.key_store, pairing.phone
    settings = current_settings()
    attempt = _Attempt(pairing_id, settings, key_store, phone, own_proxy)
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
        self,
        pairing_id: str,
        settings: Settings,
        key_store: str,
        phone: str | None,
        own_proxy: str | None,
    ) -> None:
        self._id = pairing_id
        self._settings = settings
        self._key_store = key_store
        self._phone = phone
        self._own_proxy = own_proxy
        self.jid: str | None = None  # of the device, once the phone has linked it
        self._code: str | None = None  # the newest
        self._next_beat = 0.0
        self._interrupted = threading.Event()

    def run(self) -> bool:
        """Whether the phone is linked now."""
        signal.signal(signal.SIGTERM, lambda *_: self._interrupted.set())
        try:
            with PairingChild(
                self._settings, self._key_store, self._phone, self._own_proxy
            ) as child:
                account = self._follow(child)
        except Over as over:
            return self._end(over.reason)
        except ChildGone as error:
            log.error("pairing.crashed", pairing_id=self._id, error=str(error))
            return self._end("pairing_crashed")
        except (OSError, SandboxStateError) as error:
            log.error("pairing.not_started", pairing_id=self._id, error=str(error))
            return self._end("network_unreachable" if self._settings.sandbox else "pairing_crashed")
        return self._record(account)

    def _end(self, reason: str | None) -> bool:
        """Ends the attempt; whether there is a link all the same.

        The phone may have accepted in this very moment. The process is gone by now, so what the
        keys say is final: where an account is in them, the phone lists this device.
        """
        account = links.made_by(self._settings, self._key_store, self._code)
        if account is not None:
            log.warning("pairing.linked_at_its_end", pairing_id=self._id, jid=account.jid)
            return self._record(account)
        with suppress(Over), transaction():
            pairings.give_up(self._row(), reason=reason)
        return False

    def _follow(self, child: PairingChild) -> Account:
        """The account, once the phone is linked. Raises Over, ChildGone."""
        while True:
            said = child.hear(_LOOK_SECONDS)
            if said is not None and said.event == "paired":
                return _account_of(said)
            if self._interrupted.is_set():
                raise Over("pairing_crashed")
            if said is None:
                self._look()
            elif said.event == "code":
                self._show(said)
            else:
                log.info("pairing.failed", pairing_id=self._id, **said.values)
                raise Over(said.values["reason"])

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
            raise Over

    def _show(self, said: Said) -> None:
        self._code = said.values["text"]
        with transaction():
            expires_at = datetime.fromisoformat(said.values["expires_at"])
            pairings.show_code(self._row(), said.values["text"], expires_at)

    def _record(self, account: Account) -> bool:
        """Whether the link is written down. The phone lists this device by now: it must be, if
        the instance is still there."""
        self.jid = account.jid
        for attempt in range(1, _TRIES_TO_RECORD + 1):
            try:
                with transaction() as session:
                    pairing = session.get(Pairing, self._id, with_for_update=True)
                    if pairing is not None:
                        links.write_down(pairing, account)
                return pairing is not None
            except Conflict:
                log.error("pairing.superseded", pairing_id=self._id, jid=account.jid)
                return False
            except OperationalError as error:
                log.error("pairing.not_recorded", pairing_id=self._id, error=str(error.orig))
                if attempt == _TRIES_TO_RECORD:
                    raise
                time.sleep(_LOOK_SECONDS)
        return False

    def _row(self) -> Pairing:
        """The attempt's row. Raises Over when somebody ended or deleted the attempt."""
        pairing = db.session.get(Pairing, self._id, with_for_update=True)
        if pairing is None or not pairing.active:
            raise Over
        return pairing


def _account_of(said: Said) -> Account:
    values = said.values
    address = Address.of(values["jid"], values["lid"])
    return Account(jid=values["jid"], address=address, push_name=values["push_name"])
