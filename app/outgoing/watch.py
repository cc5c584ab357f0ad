"""One thread that ends what takes too long, for a line over which one request follows another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Watch:
    """Calls what it was armed with unless it is disarmed in time; its thread starts with the first
    use. A timer for each request would cost a thread each."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: float | None = None
        self._call: Callable[[], None] = lambda: None
        self._wakes_at = 0.0  # the thread looks again then
        self._thread: threading.Thread | None = None
        self._stopped = False

    def arm(self, seconds: float, call: Callable[[], None]) -> None:
        """Has `call` made after so many seconds."""
        with self._changed:
            self._due, self._call = time.monotonic() + seconds, call
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()
            elif self._due < self._wakes_at:
                self._changed.notify()

    def disarm(self) -> None:
        """Lets it be."""
        with self._changed:
            self._due = None

    def stop(self) -> None:
        """Ends the thread."""
        with self._changed:
            self._stopped, self._due = True, None
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._stopped:
                left = self._left()
                self._wakes_at = time.monotonic() + left
                self._changed.wait(left)

    def _left(self) -> float:
        """Seconds to the next look; what is due is done."""
        if self._due is None:
            return 60.0
        left = self._due - time.monotonic()
        if left > 0:
            return left
        self._due = None
        self._call()
        return 60.0
