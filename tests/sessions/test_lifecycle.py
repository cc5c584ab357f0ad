"""The host's main thread: the worker that takes its jobs."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest
from flask import Flask

from app.sessions import lifecycle


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """Puts back what the worker sets for the process."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_worker_that_waits_for_jobs_ends_although_the_signal_itself_was_lost(app: Flask) -> None:
    stopping = threading.Event()
    threading.Timer(0.5, stopping.set).start()
    started = time.monotonic()

    with app.app_context():
        lifecycle.work(app, "sessions:hst_alone", stopping)

    assert time.monotonic() - started < 15  # RQ alone would wait for 405 s
