"""A real HTTP server that keeps what it is sent and answers as told."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    """One request as it came in, and what became of its answer."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int  # the same number means the same connection
    at: float  # time.monotonic()
    answered_at: float | None = None  # when all of its answer was handed over, if it ever was

    @property
    def is_whole(self) -> bool:
        """Whether all of its body came: a sender that is killed leaves a part."""
        return len(self.body) == int(self.headers.get("Content-Length", 0))


@dataclass(frozen=True)
class Reply:
    """What to answer. `delay` in seconds comes before the first byte of it."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    delay: float = 0.0
    hang_up: bool = False  # close the connection instead of answering
    endless: bool = False  # a body without an end, as fast as it goes
    trickle: float = 0.0  # seconds between the bytes of a header that never ends


class Receiver:
    """Keeps requests in `requests`, and in `ended` when a connection was over (time.monotonic());
    answers `replies` in turn, then `otherwise`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.ended: dict[int, float] = {}
        self.replies: list[Reply] = []
        self.otherwise = Reply()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """An address to send to."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def bodies(self) -> list[bytes]:
        """The bodies of all requests, in their order."""
        return [request.body for request in self.requests]

    def close(self) -> None:
        """Ends the server and whatever it still answers."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the handler has a self
        places = itertools.count()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle(self) -> None:
                self.place = next(places)
                with suppress(ConnectionError):  # the sender was killed
                    super().handle()
                receiver.ended[self.place] = time.monotonic()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = dict(self.headers.items())
                came = time.monotonic()
                request = Request(self.command, self.path, headers, body, self.place, came)
                receiver.requests.append(request)
                reply = receiver.replies.pop(0) if receiver.replies else receiver.otherwise
                receiver._closing.wait(reply.delay)
                try:
                    receiver._answer(self, reply)
                except OSError:
                    self.close_connection = True
                else:
                    request.answered_at = None if reply.hang_up else time.monotonic()

            do_GET = do_POST  # noqa: N815 - http.server's name

            def log_message(self, *_: Any) -> None:
                """Nothing: the test looks at `requests`."""

        return Handler

    def _answer(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.hang_up:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if reply.trickle:
            self._trickle(handler, reply.trickle)
        elif reply.endless:
            self._pour(handler)
        else:
            handler.send_header("Content-Length", str(len(reply.body)))
            handler.end_headers()
            handler.wfile.write(reply.body)

    def _pour(self, handler: BaseHTTPRequestHandler) -> None:
        handler.end_headers()
        while not self._closing.is_set():
            handler.wfile.write(b"x" * 65_536)

    def _trickle(self, handler: BaseHTTPRequestHandler, pause: float) -> None:
        handler.flush_headers()
        while not self._closing.wait(pause):
            handler.wfile.write(b"X")
            handler.wfile.flush()


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """A receiver for the length of the block."""
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()
