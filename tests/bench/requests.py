"""A load generator: a process that asks one thing over and over, on many connections at once.

It costs so little itself (some 20 µs a request) that the server keeps most of two processors.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection


@dataclass(frozen=True)
class Asked:
    """What is asked: the bytes of the request, with `%d` where each one needs a number of its own,
    and the status that every answer must have."""

    head: str
    status: int
    body: str = ""

    def request(self, number: int) -> bytes:
        """The bytes of one request."""
        body = self.body.replace("%d", str(number)).encode()
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        return f"{self.head}\r\n{length}\r\n".encode() + body


@dataclass(frozen=True)
class Answered:
    """What came of it."""

    rate: float
    """Answers a second."""
    median: float
    late: float
    """Milliseconds, of half and of 99 in 100."""


@dataclass
class _Run:
    asked: Asked
    begins: float
    ends: float
    times: list[float] = field(default_factory=list)
    wrong: list[bytes] = field(default_factory=list)
    number: int = 0


class _Line(asyncio.Protocol):
    """A connection that asks again as soon as it was answered."""

    def __init__(self, run: _Run, over: Callable[[], None]) -> None:
        self._run, self._over = run, over
        self._answer = b""
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < _length_of(head):
            return
        self._note(head, time.monotonic())
        self._answer = b""
        if time.monotonic() < self._run.ends and not self._run.wrong:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        self._over()

    def _ask(self) -> None:
        self._run.number += 1
        self._since = time.monotonic()
        self._transport.write(self._run.asked.request(self._run.number))

    def _note(self, head: bytes, now: float) -> None:
        if int(head.split(b" ", 2)[1]) != self._run.asked.status:
            self._run.wrong.append(self._answer)
        elif self._since >= self._run.begins and now <= self._run.ends:
            self._run.times.append(now - self._since)


def _length_of(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length: ")
    return int(rest.split(b"\r\n")[0]) if found else 0


def load(port: int, asked: Asked, *, lines: int, warm: float, seconds: float) -> Answered:
    """Asks for `seconds`, after `warm` ones that do not count, on `lines` connections, from a
    process of its own. Raises RuntimeError when an answer is another than was meant."""
    pipe, far = multiprocessing.Pipe()
    arguments = (far, port, asked, lines, warm, seconds)
    process = multiprocessing.Process(target=_ask_until_over, args=arguments)
    process.start()
    answer: Answered | str = pipe.recv()
    process.join()
    if isinstance(answer, str):
        raise RuntimeError(answer)
    return answer


def _ask_until_over(
    pipe: Connection, port: int, asked: Asked, lines: int, warm: float, seconds: float
) -> None:
    now = time.monotonic()
    run = _Run(asked, begins=now + warm, ends=now + warm + seconds)
    asyncio.run(_drive(port, run, lines))
    if run.wrong:
        pipe.send(run.wrong[0][:2000].decode(errors="replace"))
        return
    late = statistics.quantiles(run.times, n=100)[-1]
    rate = len(run.times) / seconds
    pipe.send(Answered(rate, statistics.median(run.times) * 1000, late * 1000))


async def _drive(port: int, run: _Run, lines: int) -> None:
    loop = asyncio.get_running_loop()
    done = asyncio.Semaphore(0)
    for _ in range(lines):
        await loop.create_connection(lambda: _Line(run, done.release), "127.0.0.1", port)
    for _ in range(lines):
        await done.acquire()
