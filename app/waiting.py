"""Requests that wait for something to happen, so that programs need not poll.

Each takes one of the server's threads while it waits, so only a part of them may wait at a time.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import g, has_request_context, request

from app import bell
from app.config import current_settings
from app.extensions import db

LONGEST = 30
"""Seconds a request may wait; proxies in front of us often give up after 60."""
_LOOK_EVERY = 0.1  # seconds; it is the counter in Redis that is looked at
_LOOK_ANYWAY = 2.0  # seconds between two looks at the database, whatever the counter says
_SOCKETS = ("gunicorn.socket", "werkzeug.socket")

_server_ends: Callable[[], bool] = lambda: False  # noqa: E731


class Places:
    """The places of one kind of waiting: one for every `share` threads of the server."""

    def __init__(self, *, share: int, least: int):
        self._share, self._least = share, least
        self._taken = 0
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether the caller may wait; then it has to `leave`."""
        with self._lock:
            granted = self._taken < max(current_settings().web_threads // self._share, self._least)
            self._taken += granted
        return granted

    def leave(self) -> None:
        """Gives the place to somebody else."""
        with self._lock:
            self._taken -= 1

    @contextmanager
    def one(self) -> Iterator[bool]:
        """Whether the caller may wait."""
        granted = self.take()
        try:
            yield granted
        finally:
            if granted:
                self.leave()


OUTCOMES = Places(share=2, least=1)
"""Of requests that wait for what becomes of something."""
EVENTS = Places(share=3, least=0)
"""Of those that wait for events, which may be for a long time: a server of one or two threads
lets nobody."""


def wait_for(
    done: Callable[[], bool], *, topic: str, seconds: float, places: Places = OUTCOMES
) -> bool:
    """Whether `done` became true within `seconds`. It is asked when the counter of `topic` moves.

    Who gets none of the `places` does not wait, and the answer is what holds now.
    """
    with places.one() as granted:
        return any(done() for _ in moments(topic, seconds=seconds if granted else 0))


def moments(topic: str, *, seconds: float) -> Iterator[None]:
    """Goes on at once, then whenever the counter of `topic` has moved, and every few seconds; until
    `seconds` are over, the client has gone, or the server is to end.

    What is read at one moment is of then: no transaction lasts into the next.
    """
    deadline = time.monotonic() + seconds
    if seconds and has_request_context():
        g.waits = True  # how long it takes says nothing of the server
    while True:
        seen, looked_at = bell.version(topic), time.monotonic()
        db.session.rollback()  # ends the snapshot, so that others' commits are seen
        yield
        db.session.rollback()  # nobody waits inside a transaction
        while True:
            if time.monotonic() >= deadline or _server_ends() or _client_left():
                return
            if time.monotonic() - looked_at >= _LOOK_ANYWAY or bell.version(topic) != seen:
                break
            time.sleep(_LOOK_EVERY)


def end_with(server_ends: Callable[[], bool]) -> None:
    """Ends all waiting once `server_ends` says that the server is to."""
    global _server_ends
    _server_ends = server_ends


def give_up_after(seconds: float) -> None:
    """Has the answer of this request break off when the client takes nothing of it for so long."""
    if line := _line():
        line.settimeout(seconds)


def _client_left() -> bool:
    """Whether who asked has closed the connection. False where the server does not show it."""
    line = _line() if has_request_context() else None
    return line is not None and _is_closed(line)


def _line() -> socket.socket | None:
    found = (request.environ[name] for name in _SOCKETS if name in request.environ)
    line = next(found, None)
    return line if isinstance(line, socket.socket) else None


def _is_closed(line: socket.socket) -> bool:
    try:
        poll = select.poll()
        poll.register(line, select.POLLIN)
        return bool(poll.poll(0)) and line.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True
