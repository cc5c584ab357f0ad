"""Threads of one process that drain queues side by side, each queue by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

log = structlog.get_logger(__name__)


class Lanes:
    """Runs `drain(name)` for every name that is rung, up to `width` names at once.

    `drain` says whether it left something behind; then its name waits for another turn behind
    the others, so that a slow or a full queue takes nothing from them.
    """

    def __init__(self, drain: Callable[[str], bool], *, width: int):
        self._drain = drain
        self._threads = ThreadPoolExecutor(width, thread_name_prefix="lane")
        self._lock = threading.Lock()
        self._rung_again: dict[str, bool] = {}  # of the names that wait or run
        self._stopping = False

    def ring(self, name: str) -> None:
        """Sees to it that a drain of `name` starts after this moment. Returns at once."""
        with self._lock:
            if self._stopping:
                return
            if name in self._rung_again:
                self._rung_again[name] = True
                return
            self._rung_again[name] = False
            self._submit(name)

    def stop(self) -> None:
        """Ends the lanes: drains that run finish what they have in hand, no other starts."""
        with self._lock:
            self._stopping = True
        self._threads.shutdown(wait=True, cancel_futures=True)

    @property
    def stopping(self) -> bool:
        """Whether a drain should end its turn now."""
        return self._stopping

    def _submit(self, name: str) -> None:
        future = self._threads.submit(self._turn, name)
        future.add_done_callback(_report)

    def _turn(self, name: str) -> None:
        more = True
        try:
            with self._lock:
                self._rung_again[name] = False
            more = self._drain(name)
        except BaseException:
            more = False  # the sweep rings again; a loop here would only burn
            raise
        finally:
            with self._lock:
                if (more or self._rung_again[name]) and not self._stopping:
                    self._submit(name)
                else:
                    del self._rung_again[name]


def _report(future: Future[None]) -> None:
    error = None if future.cancelled() else future.exception()
    if error is not None:
        log.error("lane.failed", exc_info=error)
