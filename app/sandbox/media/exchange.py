"""One HTTP request on the media host and its answer: bodies in pieces, never whole."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import BinaryIO
from urllib.parse import parse_qsl

from app.sandbox.wire import http

_PIECE = 1 << 16
_KILO = 1000
_LENGTH = re.compile("[0-9]{1,15}")


class BrokenOff(Exception):
    """The connection is to end here, without another word."""


class Exchange:
    """A request whose body has not been read yet; `kb_per_second` 0 means as fast as it goes."""

    def __init__(
        self, request: http.Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.request = request
        self.query = dict(parse_qsl(request.target.partition("?")[2]))
        self.kb_per_second = 0
        length = request.headers.get("content-length", "")
        self.length = int(length) if _LENGTH.fullmatch(length) else None
        self._reader = reader
        self._writer = writer
        self._left = self.length or 0
        self.is_last = (
            request.headers.get("connection", "").lower() == "close"
            or "transfer-encoding" in request.headers  # a body whose end is not told beforehand
        )

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body in pieces; raises IncompleteReadError when it ends too early."""
        if self._left and self.request.headers.get("expect", "").lower() == "100-continue":
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while self._left:
            piece = await self._reader.read(min(self._left, _PIECE))
            if not piece:
                raise asyncio.IncompleteReadError(b"", self._left)
            self._left -= len(piece)
            await self._slow_down(piece)
            yield piece

    async def reply(
        self, status: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        """Answer with a short body, after the rest of the request: a client that is still
        sending would miss an answer followed by the end of the connection.
        """
        async for _ in self.body():
            pass
        kind = {"Content-Type": "application/json"} if body else {}
        self._writer.write(http.response(status, body, {**kind, **(headers or {})}))

    async def send_file(
        self, file: BinaryIO, size: int, part: range | None, break_off: bool
    ) -> None:
        """Answer with a file or a part of it; raises BrokenOff half-way if it shall."""
        wanted = part or range(size)
        self._writer.write(_head(size, part))
        file.seek(wanted.start)
        left, stop_at = len(wanted), len(wanted) // 2 if break_off else -1
        while left:
            piece = file.read(min(left, _PIECE))
            left -= len(piece)
            if left <= stop_at:
                self._writer.write(piece[: len(piece) // 2])
                await self._writer.drain()
                raise BrokenOff
            self._writer.write(piece)
            await self._writer.drain()
            await self._slow_down(piece)

    async def _slow_down(self, piece: bytes) -> None:
        if self.kb_per_second:
            await asyncio.sleep(len(piece) / (self.kb_per_second * _KILO))


def _head(size: int, part: range | None) -> bytes:
    lines = ["Content-Type: application/octet-stream", "Accept-Ranges: bytes"]
    if part is None:
        status, length = "200 OK", size
    else:
        status, length = "206 Partial Content", len(part)
        lines.append(f"Content-Range: bytes {part.start}-{part.stop - 1}/{size}")
    lines.append(f"Content-Length: {length}")
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()
