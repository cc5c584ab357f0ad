"""Linking an account by QR code, or by a code that is typed on the phone.

Runs in a process of its own, which must end right afterwards.

An unpaired client of the engine cannot be cancelled or waited for: after `pair` has returned the
caller reports the outcome and leaves with os._exit. Right after Paired nothing is lost by that
(seen); staying longer would take history and messages that belong to the session host.
"""

from __future__ import annotations

import os
import queue
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from app.engine import keystore, library, reach
from app.engine.address import Address
from app.engine.base import Account
from app.engine.errors import EngineError
from app.engine.protos import message_class
from app.engine.raw import RawEvent
from app.engine.tap import PAIR_STATUS, EventTap

# whatsmeow, qrchan.go: the first of six codes is shown for a minute, each other for 20 s.
_FIRST_CODE_SECONDS = 60
_CODE_SECONDS = 20
# A phone code lasts as long as the connection it was asked on: until the last QR code runs out.
_PHONE_CODE_SECONDS = _FIRST_CODE_SECONDS + 5 * _CODE_SECONDS
_FIRST_CODE_WAIT = 90.0
_GRACE_SECONDS = 10.0
_EARLY = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class PairingRequest:
    """store: a new file's path, or a database URL. device_name: shown on the phone's list.

    phone: digits of the number to link by a code typed on the phone; None for QR codes.
    """

    store: str
    proxy: str | None = field(default=None, repr=False)
    typed: reach.Typed | None = None
    phone: str | None = None
    device_name: str = "WhatsApp API Manager"


@dataclass(frozen=True, slots=True)
class QrCode:
    """What to show: `text` as a QR code until `expires_at`; `number` counts from 1."""

    text: str
    expires_at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class PhoneCode:
    """What to type on the phone until `expires_at`: eight characters, XXXX-XXXX."""

    text: str
    expires_at: datetime


PairingStep: TypeAlias = QrCode | PhoneCode
"""What a person has to do now."""


@dataclass(frozen=True, slots=True)
class Paired:
    """Linked. Open a session with `account.jid` and the same store."""

    account: Account


@dataclass(frozen=True, slots=True)
class PairingFailed:
    """Not linked. `reason`: network_unreachable or one of a proxy (see reach.check),
    pairing_cut_off, qr_expired, code_expired, number_refused, too_many_codes, pairing_refused,
    client_outdated or key_store_unwritable; `detail` is for logs."""

    reason: str
    detail: str = ""


Outcome: TypeAlias = Paired | PairingFailed

# The final words of the engine's QR channel (whatsmeow, qrchan.go), all but "success".
_ENDINGS = {
    "err-client-outdated": "client_outdated",
    "err-scanned-without-multidevice": "pairing_refused",
    "err-unexpected-state": "pairing_refused",
    "error": "pairing_refused",
}


def pair(request: PairingRequest, on_step: Callable[[PairingStep], None]) -> Outcome:
    """Links a new account and returns how it ended; it may take minutes.

    Each new code goes to `on_step`, on the calling thread. What `on_step` raises ends the attempt.
    """
    try:
        reach.check(request.proxy, request.typed)
        _create_private(request.store)
    except EngineError as error:
        return PairingFailed(error.slug, error.detail)
    except OSError as error:
        return PairingFailed("key_store_unwritable", str(error))
    return _Attempt(request, on_step).run()


def _create_private(store: str) -> None:
    """Makes the key file readable for its owner alone before anything is in it."""
    if keystore.is_postgres(store):
        return
    Path(store).parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(store, os.O_WRONLY | os.O_CREAT, 0o600))


class _Attempt:
    """One unpaired client, and what it says, brought onto one thread by a queue."""

    def __init__(self, request: PairingRequest, on_step: Callable[[PairingStep], None]) -> None:
        self._request = request
        self._on_step = on_step
        self._said: queue.Queue[tuple[Callable[[Any], Outcome | None], Any]] = queue.Queue()
        self._client: Any = None
        self._number = 0
        self._expires_at: datetime | None = None
        self._device: Any = None
        self._deadline = time.monotonic() + _FIRST_CODE_WAIT

    def run(self) -> Outcome:
        threading.Thread(target=self._connect, name="pairing", daemon=True).start()
        outcome = None
        while outcome is None:
            try:
                react, value = self._said.get(timeout=max(0, self._deadline - time.monotonic()))
            except queue.Empty:
                return self._silent()
            outcome = react(value)
        return outcome

    def _connect(self) -> None:
        client = self._client = library.load().NewClient(
            keystore.engine_name(self._request.store),
            props=library.device_props(self._request.device_name),
            uuid="pairing",
            new_device=True,
        )
        client.event = EventTap(
            {PAIR_STATUS: "PairStatus"},
            sink=lambda raw: self._said.put((self._on_status, raw)),
            on_device=lambda device: self._said.put((self._on_device, device)),
            on_qr=lambda code: self._said.put((self._on_code, code)),
        )
        # neonize only prints this status, and as a pointer; there is no event for "timeout".
        client._NewClient__onLoginStatus = lambda uuid, status: self._said.put(
            (self._on_ending, library.c_text(status))
        )
        try:
            client.connect(library.proxy_settings(self._request.proxy))
        except library.engine_exception() as error:
            self._said.put((self._on_failure, str(error)))

    def _on_code(self, code: bytes) -> Outcome | None:
        self._number += 1
        if self._request.phone is not None:
            # A code can be asked for once the connection stands, which the first QR code tells.
            return self._ask_for_code(self._request.phone) if self._number == 1 else None
        seconds = _CODE_SECONDS if self._number > 1 else _FIRST_CODE_SECONDS
        self._on_step(QrCode(code.decode(), self._lasting(seconds), self._number))
        return None

    def _ask_for_code(self, phone: str) -> Outcome | None:
        expires_at = self._lasting(_PHONE_CODE_SECONDS)
        try:
            code = library.ask_for_phone_code(self._client, phone)
        except library.engine_exception() as error:
            return PairingFailed(_refusal(str(error)), str(error))
        self._on_step(PhoneCode(code, expires_at))
        return None

    def _lasting(self, seconds: int) -> datetime:
        """When what is shown now expires; nothing is expected of the engine until then."""
        self._expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
        self._deadline = time.monotonic() + seconds + _GRACE_SECONDS
        return self._expires_at

    def _on_ending(self, word: str) -> Outcome | None:
        if word == "timeout":
            # The same word for codes that ran out and for a server that went away.
            early = self._expires_at is None or datetime.now(UTC) < self._expires_at - _EARLY
            return PairingFailed("pairing_cut_off" if early else self._expired)
        if word in _ENDINGS:
            return PairingFailed(_ENDINGS[word], word)
        self._deadline = time.monotonic() + _GRACE_SECONDS  # "success": the status is on its way
        return None

    def _on_device(self, device: bytes) -> None:
        self._device = message_class("neonize.Device").FromString(device)

    def _on_status(self, raw: RawEvent) -> Outcome:
        status = message_class("neonize.PairStatus").FromString(raw.payload)
        if status.Status != status.SUCCESS:
            return PairingFailed("pairing_refused", status.Error)
        own = status.ID
        lid = self._device.LID if self._device else None
        return Paired(
            Account(
                jid=f"{own.User}:{own.Device}@{own.Server}",
                address=Address.of(
                    f"{own.User}@{own.Server}", f"{lid.User}@{lid.Server}" if lid else None
                ),
                push_name=status.BusinessName,
                platform=status.Platform,
            )
        )

    def _on_failure(self, text: str) -> Outcome:
        # connect() returns with an error before any code: no network, or no database.
        database = re.search(r"database|sqlite|pq:|upgrade", text)
        reason = "key_store_unwritable" if database else "network_unreachable"
        return PairingFailed(reason, text)

    def _silent(self) -> Outcome:
        if self._expires_at is None:
            return PairingFailed("network_unreachable", "no code came")
        return PairingFailed(self._expired, "the engine fell silent")

    @property
    def _expired(self) -> str:
        return "code_expired" if self._request.phone else "qr_expired"


def _refusal(text: str) -> str:
    """The reason in the engine's words for a phone code that was not given (whatsmeow's errors of
    queries, request.go, and of pair-code.go)."""
    if re.search(r"status 429|rate-overlimit", text):
        return "too_many_codes"
    if re.search(r"status 4\d\d|phone number", text):
        return "number_refused"
    return "pairing_cut_off"
