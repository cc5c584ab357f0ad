"""`python -m tests.bench.webhooks`: how many deliveries one webhooks worker makes in a second, and
how long an event takes to its receiver."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from flask import Flask
from sqlalchemy import func, select

from app.core.events import Event
from app.extensions import db
from app.models import Delivery
from app.models.webhook import DeliveryStatus
from app.services import outbox
from app.transaction import transaction
from tests import factories
from tests.bench.runs import on_each_database
from tests.product import ROOT
from tests.waiting import wait_for
from tests.webhooks.test_worker import environment_of

REPORT = ROOT / "docs" / "reports" / "webhooks.md"
MANY, EVENTS, PER_SECOND = 4000, 200, 20
WANTED_RATE, WANTED_MS = 400.0, 50.0
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_METHOD = f"""# Webhooks: how many a second, and how soon

`make bench-webhooks` starts `python worker.py webhooks`, one process as the product runs it, beside
a receiver in a process of its own that keeps connections open and answers 200 at once.

- Rate: {MANY:,} deliveries wait in the outbox of one endpoint; then the worker is rung for. The
  time is that from the first request at the receiver to the last.
- Delay: {EVENTS} events at {PER_SECOND} a second. The time is that from the beginning of the
  transaction that stores an event, which is when the session's host has it from the engine's
  spool, to its request at the receiver.
"""


class Receiver:
    """Answers in another process; keeps when each request came, on this machine's one clock."""

    def __init__(self) -> None:
        self._pipe, far = multiprocessing.Pipe()
        self._process = multiprocessing.Process(target=_serve, args=(far,), daemon=True)
        self._process.start()
        self.url = f"http://127.0.0.1:{self._pipe.recv()}/hook"

    def arrivals(self) -> list[float]:
        """When the requests came, in their order."""
        self._pipe.send("arrivals")
        times: list[float] = self._pipe.recv()
        return times

    def forget(self) -> None:
        """Begins anew."""
        self._pipe.send("forget")
        self._pipe.recv()

    def stop(self) -> None:
        """Ends the process."""
        self._process.terminate()
        self._process.join()


def _serve(pipe: Connection) -> None:
    asyncio.run(_serve_until_killed(pipe))


async def _serve_until_killed(pipe: Connection) -> None:
    times: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split()[0]))
            times.append(time.monotonic())
            writer.write(_ANSWER)
        writer.close()

    def asked() -> None:
        if pipe.recv() == "forget":
            times.clear()
        pipe.send(list(times))

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    asyncio.get_running_loop().add_reader(pipe.fileno(), asked)
    await asyncio.Event().wait()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


@contextmanager
def _worker(app: Flask) -> Iterator[None]:
    environment = environment_of(app.config["SETTINGS"])
    command = [sys.executable, "worker.py", "webhooks"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _rate(app: Flask, receiver: Receiver, instance_id: str) -> float:
    """Deliveries a second."""
    for _ in range(MANY // 100):
        with transaction():
            for _ in range(100):
                outbox.emit(instance_id, Event.MESSAGE_RECEIVED, {"body": "Hello " * 20})
    with _worker(app):
        wait_for(_all_delivered, timeout=180, what="all are delivered")
    times = receiver.arrivals()
    return len(times) / (times[-1] - times[0])


def _all_delivered() -> bool:
    db.session.rollback()
    time.sleep(0.2)  # a look costs the worker time
    pending = Delivery.status == DeliveryStatus.PENDING
    return db.session.scalar(select(func.count(Delivery.id)).where(pending)) == 0


def _delays(app: Flask, receiver: Receiver, instance_id: str) -> list[float]:
    """Milliseconds from an event to its request, each."""
    with _worker(app):
        _tell(instance_id)
        wait_for(receiver.arrivals, timeout=30, what="the worker is warm")
        receiver.forget()
        begun = [_tell_in_turn(instance_id) for _ in range(EVENTS)]
        wait_for(lambda: len(receiver.arrivals()) == EVENTS, what="all have arrived")
    return [(came - at) * 1000 for at, came in zip(begun, receiver.arrivals(), strict=True)]


def _tell_in_turn(instance_id: str) -> float:
    time.sleep(1 / PER_SECOND)
    return _tell(instance_id)


def _tell(instance_id: str) -> float:
    at = time.monotonic()
    with transaction():
        outbox.emit(instance_id, Event.MESSAGE_RECEIVED, {"body": "Hello"})
    return at


def _measure(app: Flask) -> list[str]:
    receiver = Receiver()
    try:
        with app.app_context():
            instance = factories.instance(factories.user())
            factories.endpoint(instance, url=receiver.url)
            rate = _rate(app, receiver, instance.id)
            receiver.forget()
            cuts = statistics.quantiles(_delays(app, receiver, instance.id), n=20)
    finally:
        receiver.stop()
    enough, soon = rate >= WANTED_RATE, cuts[9] < WANTED_MS
    return [
        "| what | measured | wanted | |",
        "| --- | ---: | ---: | --- |",
        f"| deliveries a second | {rate:.0f} | {WANTED_RATE:.0f} | {'yes' if enough else 'NO'} |",
        f"| delay, median | {cuts[9]:.1f} ms | {WANTED_MS:.0f} ms | {'yes' if soon else 'NO'} |",
        f"| delay, 95 % | {cuts[18]:.1f} ms | | |",
    ]


def main() -> None:
    """Measures on each database, and writes the report."""
    on_each_database(REPORT, _METHOD, _measure)


if __name__ == "__main__":
    main()
