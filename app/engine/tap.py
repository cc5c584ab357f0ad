"""Takes events out of neonize as bytes, before it parses them, and its QR codes and login states.

`EventTap` stands in for the `event` object of neonize's client, of which `connect()` uses
`list_func` (the event codes wanted) and `execute`, and the QR callback `_qr` (neonize 0.5.2,
client.py and events.py).
"""

from __future__ import annotations

import ctypes
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from app.engine.raw import HISTORY, RawEvent

log = logging.getLogger(__name__)

DEVICE = 0
"""The code of the first call in every session: the account, once the connection stands."""

PAIR_STATUS = 2

SESSION_EVENTS = {
    3: "Connected",
    4: "KeepAliveTimeout",
    5: "KeepAliveRestored",
    6: "LoggedOut",
    7: "StreamReplaced",
    8: "TemporaryBan",
    9: "ConnectFailure",
    10: "ClientOutdated",
    11: "StreamError",
    12: "Disconnected",
    13: HISTORY,
    17: "Message",
    18: "Receipt",
    19: "ChatPresence",
    21: "JoinedGroup",
    22: "GroupInfoEvent",
    23: "Picture",
    30: "BlocklistEvent",
    36: "CallOffer",
    40: "CallOfferNotice",
    42: "CallTerminate",
    44: "UndecryptableMessage",
}


class EventTap:
    """Hands wanted events to `sink` as RawEvents; the first call, the device, to `on_device`."""

    def __init__(
        self,
        kinds: dict[int, str],
        sink: Callable[[RawEvent], None],
        on_device: Callable[[bytes], None],
        on_qr: Callable[[bytes], None] | None = None,
    ) -> None:
        self.list_func = dict.fromkeys(kinds)
        self._kinds = kinds
        self._sink = sink
        self._on_device = on_device
        self._on_qr = on_qr
        self._taking_since: float | None = None

    def seconds_stuck(self) -> float:
        """Returns how long the event that is being handed over has been so; 0 between events."""
        since = self._taking_since
        return 0.0 if since is None else time.monotonic() - since

    def execute(self, uuid: int, binary: int, size: int, code: int) -> None:
        """Called by the engine, on its own thread: one event at a time."""
        payload = ctypes.string_at(binary, size) if size else b""
        self._taking_since = time.monotonic()
        try:
            if code == DEVICE:
                self._on_device(payload)
            elif code in self._kinds:
                self._sink(RawEvent(self._kinds[code], payload, datetime.now(UTC)))
        except Exception:
            # The engine has acknowledged the event to WhatsApp already: it is lost if not kept.
            log.exception("event of code %d was not kept (%d bytes)", code, size)
            raise
        finally:
            self._taking_since = None

    def _qr(self, client: Any, code: bytes) -> None:
        if self._on_qr is not None:
            self._on_qr(code)
