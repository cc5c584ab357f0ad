"""Requests that wait for something to happen, so that programs need not poll."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app import bell
from app.config import current_settings
from app.extensions import db

LONGEST = 30
"""Seconds a request may wait; proxies in front of us often give up after 60."""
_LOOK_EVERY = 0.1  # seconds; it is the counter in Redis that is looked at
_LOOK_ANYWAY = 2.0  # seconds between two looks at the database, whatever the counter says

_waiting = 0
_lock = threading.Lock()


def wait_for(done: Callable[[], bool], *, topic: str, seconds: float) -> bool:
    """Whether `done` became true within `seconds`. It is asked when the counter of `topic` moves.

    Half of the server's threads may wait at a time: beyond that nobody waits, and the answer is
    what holds now.
    """
    deadline = time.monotonic() + seconds
    with _place_to_wait() as granted:
        while True:
            seen, asked_at = bell.version(topic), time.monotonic()
            db.session.rollback()  # ends the snapshot, so that others' commits are seen
            if done():
                return True
            while time.monotonic() - asked_at < _LOOK_ANYWAY and bell.version(topic) == seen:
                if not granted or time.monotonic() >= deadline:
                    return False
                time.sleep(_LOOK_EVERY)


@contextmanager
def _place_to_wait() -> Iterator[bool]:
    """Whether the caller may wait."""
    global _waiting
    with _lock:
        granted = _waiting < max(current_settings().web_threads // 2, 1)
        _waiting += granted
    try:
        yield granted
    finally:
        with _lock:
            _waiting -= granted
