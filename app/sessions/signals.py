"""Tells WhatsApp that somebody types here, and asks it who types there."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

import structlog

from app.core.chat_states import Signal
from app.engine.base import EngineSession
from app.engine.errors import EngineError

log = structlog.get_logger(__name__)

_MOST = 50
_STALE_SECONDS = 5.0
_BETWEEN = {Signal.COMPOSING: 4.0, Signal.FOLLOW: 60.0}
"""Seconds between two alike about one chat. WhatsApp forgets a typing after some 25 s, and whom a
connection follows when it ends."""
_AFTER_A_PAUSE = 1.0
_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class _Heard:
    what: Signal
    address: str
    at: float


class Signals:
    """The signals for one session. `hear` runs on the host's listener, the rest on the session's
    own thread. All of it is lost with the process, which harms nobody."""

    def __init__(self) -> None:
        self._waiting: deque[_Heard] = deque(maxlen=_MOST)
        self._last: dict[tuple[Signal, str], float] = {}

    def hear(self, what: Signal, address: str) -> bool:
        """Takes note of it; whether there is something to tell. What comes too often is dropped,
        and so is the end of what was never told."""
        now = time.monotonic()
        if len(self._last) > _REMEMBERED:
            self._last.clear()
        if what is Signal.PAUSED:
            if (Signal.COMPOSING, address) not in self._last:
                return False
            soon = now - _BETWEEN[Signal.COMPOSING] + _AFTER_A_PAUSE
            self._last[Signal.COMPOSING, address] = soon
        elif now - self._last.get((what, address), float("-inf")) < _BETWEEN[what]:
            return False
        else:
            self._last[what, address] = now
        self._waiting.append(_Heard(what, address, now))
        return True

    def tell(self, session: EngineSession, *, online: bool) -> bool:
        """Tells the oldest; whether there was one. What is late is dropped, and all of it while the
        account is not shown as online: WhatsApp would not pass it on."""
        if not self._waiting:
            return False
        heard = self._waiting.popleft()
        if online and time.monotonic() - heard.at < _STALE_SECONDS:
            try:
                _tell(session, heard)
            except EngineError as error:
                log.info("signal.not_told", what=heard.what, error=str(error))
        return True


def _tell(session: EngineSession, heard: _Heard) -> None:
    if heard.what is Signal.FOLLOW:
        session.chat_states.follow(heard.address)
    else:
        session.chat_states.tell(heard.address, composing=heard.what is Signal.COMPOSING)
