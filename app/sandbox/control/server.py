"""The HTTP side of the control interface: one thread per request, all work on the event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import logging
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.sandbox.control import routes
from app.sandbox.control.request import ControlError, Request
from app.sandbox.network import Network

log = logging.getLogger(__name__)
_LOOPBACK = {"127.0.0.1", "localhost", "[::1]"}
_BODY_LIMIT = 1 << 20
_ANSWER_SECONDS = 30
_PIECE = 1 << 16
# Paths whose body is a file.
_UPLOADS = re.compile("POST /accounts/[0-9]+/media|PUT /(accounts|groups)/[0-9]+/picture")


class ControlServer:
    """Listens from its creation (raises OSError), answers between `start` and `stop`."""

    def __init__(
        self, network: Network, loop: asyncio.AbstractEventLoop, host: str, port: int
    ) -> None:
        self._server = _Server((host, port), _Handler)
        self._server.network = network
        self._server.loop = loop
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="control", daemon=True
        )
        self.port = int(self._server.server_address[1])

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    network: Network
    loop: asyncio.AbstractEventLoop


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)

    def _serve(self) -> None:
        try:
            status, answer = self._answer()
        except ControlError as error:
            status, answer = error.status, {"error": str(error)}
        except concurrent.futures.TimeoutError:
            status, answer = 504, {"error": "no answer in time"}
        except Exception:
            log.exception("%s %s failed", self.command, self.path)
            status, answer = 500, {"error": "the sandbox failed: its log says why"}
        if isinstance(answer, Path):
            self._reply_file(status, answer)
        else:
            self._reply(status, answer)

    def _answer(self) -> tuple[int, Any]:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        with contextlib.ExitStack() as stack:
            body: dict[str, Any] = {}
            upload = None
            if _UPLOADS.fullmatch(f"{self.command} {url.path}"):
                upload = stack.enter_context(self.server.network.gallery.draft())
                self._save_body(upload)
            else:
                body = self._body()
            self._check_host()
            request = Request(self.command, url.path, query, body, upload)
            work = routes.answer(self.server.network, request)
            future = asyncio.run_coroutine_threadsafe(work, self.server.loop)
            return future.result(_ANSWER_SECONDS)

    def _check_host(self) -> None:
        """A page of another origin that was led here by its own name is refused."""
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        if host not in _LOOPBACK:
            raise ControlError(403, "only loopback names are served")

    def _length(self, limit: int) -> int:
        given = self.headers.get("Content-Length") or "0"
        if not given.isdigit():
            raise ControlError(400, "Content-Length is not a number")
        if int(given) > limit:
            self.close_connection = True
            raise ControlError(413, "the body is too long")
        return int(given)

    def _save_body(self, into: Path) -> None:
        """Write the body into a file, never holding all of it."""
        left = self._length(self.server.network.gallery.limit)
        with into.open("wb") as file:
            while left:
                piece = self.rfile.read(min(left, _PIECE))
                if not piece:
                    self.close_connection = True
                    raise ControlError(400, "the body ends too early")
                left -= len(piece)
                file.write(piece)

    def _body(self) -> dict[str, Any]:
        raw = self.rfile.read(self._length(_BODY_LIMIT))
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            raise ControlError(400, "the body is not JSON") from None
        if not isinstance(body, dict):
            raise ControlError(400, "the body is not an object")
        return body

    def _reply(self, status: int, answer: Any) -> None:
        data = json.dumps(answer, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _reply_file(self, status: int, file: Path) -> None:
        with file.open("rb") as content:
            self.send_response(status)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(file.stat().st_size))
            self.end_headers()
            shutil.copyfileobj(content, self.wfile, _PIECE)
