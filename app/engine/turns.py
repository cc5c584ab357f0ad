"""Large files are uploaded one after the other, in all sessions of the process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.engine.errors import NotConnected

_SMALL_FILE = 1024 * 1024
_TURN_SECONDS = 0.5  # between looks whether the session is closed, while another one uploads

_upload_turn = threading.Lock()


@contextmanager
def one_large_file(size: int, is_closed: Callable[[], bool]) -> Iterator[None]:
    """Waits until no other large file is uploaded. Raises NotConnected when the session is closed
    meanwhile."""
    if size <= _SMALL_FILE:
        yield
        return
    while not _upload_turn.acquire(timeout=_TURN_SECONDS):
        if is_closed():
            raise NotConnected("closed while it waited to upload")
    try:
        yield
    finally:
        _upload_turn.release()
