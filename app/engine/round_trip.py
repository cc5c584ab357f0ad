"""A question to WhatsApp with a time limit of our own: the engine waits 75 s for an answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.engine.errors import EngineError, NoAnswer, NotConnected

_ANSWERS = ("info query returned", "unknown info query error", "missing <")
"""How the engine's errors begin that are made of an answer (whatsmeow, errors.go)."""


class RoundTrip:
    """Asks by `ask`, one question at a time. `ask` raises `error`, the engine's own."""

    def __init__(self, ask: Callable[[], object], error: type[Exception]) -> None:
        self._ask = ask
        self._error = error
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._failure: EngineError | None = None

    def make(self, seconds: float) -> None:
        """Returns once WhatsApp has answered, whatever it said. Raises NotConnected, NoAnswer.

        A question that is still open is waited for again instead of asking a second one.
        """
        deadline = time.monotonic() + seconds
        with self._lock:
            asking = self._asking
            if asking is None:
                asking = self._asking = threading.Thread(
                    target=self._run, name="round trip", daemon=True
                )
                asking.start()
        asking.join(max(0.0, deadline - time.monotonic()))
        if asking.is_alive():
            raise NoAnswer(f"nothing within {seconds:g} s")
        with self._lock:
            self._asking = None
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._ask()
            self._failure = None
        except self._error as error:
            self._failure = _meaning(error.args[0] if error.args else "")


def _meaning(sentence: object) -> EngineError | None:
    text = sentence.decode() if isinstance(sentence, bytes) else str(sentence)
    if text.startswith(_ANSWERS):
        return None
    if text.startswith(("websocket not connected", "client is nil")):
        return NotConnected(text)
    return NoAnswer(text)
