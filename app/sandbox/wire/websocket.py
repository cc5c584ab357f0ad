"""The server's side of a websocket (RFC 6455): binary messages, pings, close."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from enum import IntEnum

from app.sandbox.wire.http import Request

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MESSAGE_LIMIT = 1 << 25


class Opcode(IntEnum):
    """What a frame carries."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class WebSocketClosed(Exception):
    """The peer ended the websocket, or broke its rules."""


def accept_headers(request: Request) -> dict[str, str]:
    """Return the headers of the 101 answer; raises WebSocketClosed for a request that is none."""
    key = request.headers.get("sec-websocket-key")
    if request.headers.get("upgrade", "").lower() != "websocket" or not key:
        raise WebSocketClosed("not a websocket request")
    # SHA-1 is what the RFC prescribes here; it protects nothing.
    digest = hashlib.sha1((key + _GUID).encode(), usedforsecurity=False).digest()
    return {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": base64.b64encode(digest).decode(),
    }


class WebSocket:
    """An accepted websocket over a pair of streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._closing = False

    async def receive(self) -> bytes:
        """Return the next message, answering pings; raises WebSocketClosed at the end."""
        message = bytearray()
        while True:
            final, opcode, payload = await self._frame()
            if opcode == Opcode.PING:
                self._write(Opcode.PONG, payload)
            elif opcode == Opcode.CLOSE:
                self.close()
                raise WebSocketClosed("closed by the peer")
            elif opcode != Opcode.PONG:
                message += payload
                if len(message) > _MESSAGE_LIMIT:
                    raise WebSocketClosed("message too long")
                if final:
                    return bytes(message)

    def send(self, message: bytes) -> None:
        """Queue one binary message; dropped when the socket is closing."""
        self._write(Opcode.BINARY, message)

    async def drain(self) -> None:
        """Wait until the peer has taken most of what was sent."""
        await self._writer.drain()

    def close(self, code: int = 1000) -> None:
        """Say goodbye once and close the connection."""
        if not self._closing:
            self._write(Opcode.CLOSE, code.to_bytes(2, "big"))
            self._closing = True
            self._writer.close()

    def abort(self) -> None:
        """Cut the connection without a word, as a lost network does."""
        self._closing = True
        self._writer.transport.abort()

    async def _frame(self) -> tuple[bool, Opcode, bytes]:
        try:
            head = await self._reader.readexactly(2)
            size = head[1] & 0x7F
            if size > 125:
                size = int.from_bytes(
                    await self._reader.readexactly(2 if size == 126 else 8), "big"
                )
            if size > _MESSAGE_LIMIT or not head[1] & 0x80:
                raise WebSocketClosed("a frame too long or not masked")
            mask = await self._reader.readexactly(4)
            payload = await self._reader.readexactly(size)
            return bool(head[0] & 0x80), Opcode(head[0] & 0x0F), _unmask(payload, mask)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
            raise WebSocketClosed(f"the connection ended: {error}") from None

    def _write(self, opcode: Opcode, payload: bytes) -> None:
        if self._closing or self._writer.is_closing():
            return
        size = len(payload)
        if size < 126:
            head = bytes((0x80 | opcode, size))
        elif size < 1 << 16:
            head = bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big")
        self._writer.write(head + payload)


def _unmask(payload: bytes, mask: bytes) -> bytes:
    if not payload:
        return b""
    pad = (mask * (len(payload) // 4 + 1))[: len(payload)]
    value = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
    return value.to_bytes(len(payload), "big")
