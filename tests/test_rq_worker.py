"""What all RQ workers of the product have in common."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from app import bell
from app.rq_worker import InApplication


class Worker(InApplication, SimpleWorker):
    """Any of them."""


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """Puts back what a worker sets for the process."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_a_worker_that_waits_ends_although_what_the_signal_raised_was_lost(app: Flask) -> None:
    with app.app_context():
        worker = Worker(["empty"], connection=bell.redis(), serializer=JSONSerializer)
    worker.app = app
    threading.Timer(0.5, lambda: setattr(worker, "told_to_end", True)).start()
    started = time.monotonic()

    worker.work(logging_level="WARNING")

    assert time.monotonic() - started < 15  # RQ alone would wait for 405 s
