"""A line between a browser and the product that can be held, as a bad network does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Line:
    """Carries connections on to `port`; while it is held, nothing more goes that way.

    A sender's own system takes some megabytes before it notices (on Linux up to tcp_wmem's third
    number, 4 MB); what is meant to get stuck must be larger than that.
    """

    def __init__(self, port: int):
        self._port = port
        self._up, self._down = threading.Event(), threading.Event()
        self.release()
        self._door = socket.socket()
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self._door.bind(("127.0.0.1", 0))
        self._door.listen(64)
        self.address = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self._browsers: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._take)

    def hold_requests(self) -> None:
        """From now on what browsers send gets stuck."""
        self._up.clear()

    def hold_answers(self) -> None:
        """From now on what the product says gets stuck."""
        self._down.clear()

    def release(self) -> None:
        """Lets go on what got stuck."""
        self._up.set()
        self._down.set()

    def close(self) -> None:
        """Takes no more connections and ends those there are."""
        self.release()
        for end in (self._door, *self._browsers):
            _shut(end)
        for thread in self._threads:
            thread.join()
        self._door.close()

    def _start(self, target: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=args)
        thread.start()
        self._threads.append(thread)
        return thread

    def _take(self) -> None:
        with suppress(OSError):  # closed
            while True:
                browser, _ = self._door.accept()
                self._browsers.append(browser)
                self._start(self._connect, browser)

    def _connect(self, browser: socket.socket) -> None:
        with browser, socket.create_connection(("127.0.0.1", self._port)) as product:
            up = self._start(_carry, browser, product, self._up)
            _carry(product, browser, self._down)
            up.join()


def _carry(source: socket.socket, target: socket.socket, flowing: threading.Event) -> None:
    with suppress(OSError):  # either end broke off
        while part := source.recv(65_536):
            flowing.wait()
            target.sendall(part)
    for end in (source, target):  # an end that is gone is gone for both
        _shut(end)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):  # it is shut
        end.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """A line that is closed in the end."""
    line = Line(port)
    try:
        yield line
    finally:
        line.close()
