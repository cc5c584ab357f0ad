"""One connection of an engine: frames, handshake, and stanzas in and out until it ends."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from app.sandbox.protos import ClientPayload
from app.sandbox.wire import codec
from app.sandbox.wire.node import Node
from app.sandbox.wire.noise import PROLOGUE, Cipher, NoiseError, ServerHandshake
from app.sandbox.wire.websocket import WebSocket, WebSocketClosed

if TYPE_CHECKING:
    from app.sandbox.network import Network
    from app.sandbox.world import Endpoint

log = logging.getLogger(__name__)
_LENGTH = 3
_HANDSHAKE_SECONDS = 20

Handler = Callable[["Connection", Node], None]


class Connection:
    """Once logged in it belongs to an endpoint; `active` from its passive/active query on."""

    def __init__(self, network: Network, websocket: WebSocket) -> None:
        self.network = network
        self.endpoint: Endpoint | None = None
        self.active = False
        self.available = False
        self.following: set[str] = set()  # numbers of those whose typing it is told
        self.closed = False
        self._websocket = websocket
        self._buffer = bytearray()
        self._receive_cipher: Cipher | None = None
        self._send_cipher: Cipher | None = None
        self._ids = itertools.count(1)
        self._asked: dict[str, asyncio.Future[Node]] = {}

    @property
    def owner(self) -> Endpoint:
        """The device that is logged in here; raises ConnectionError before the login."""
        if self.endpoint is None:
            raise ConnectionError("nobody is logged in on this connection")
        return self.endpoint

    async def handshake(self, server: ServerHandshake) -> ClientPayload:
        """Return what the client says of itself; raises NoiseError, WebSocketClosed."""
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            await self._fill(len(PROLOGUE))
            prologue = self._take(len(PROLOGUE))
            if prologue != PROLOGUE:
                raise NoiseError(f"unknown greeting {prologue.hex()}")
            self._send_frame(server.answer(await self._frame()))
            payload = server.finish(await self._frame())
        self._receive_cipher, self._send_cipher = server.channel()
        try:
            return ClientPayload.FromString(payload)
        except DecodeError as error:
            raise NoiseError(f"no payload of a client: {error}") from None

    async def stanzas(self) -> AsyncIterator[Node]:
        """Yield every stanza of the client until the connection ends."""
        while not self.closed:
            try:
                frame = await self._frame()
            except WebSocketClosed:
                return
            if self._receive_cipher is None:
                raise NoiseError("a stanza before the handshake")
            node = codec.unpack(self._receive_cipher.open(frame))
            log.debug("%s > %s", self, node)
            if not self._is_mute():
                yield node
            await self._websocket.drain()

    def send(self, node: Node) -> None:
        """Queue a stanza; dropped when the connection has ended, or is mute."""
        if self.closed or self._send_cipher is None or self._is_mute():
            return
        log.debug("%s < %s", self, node)
        self._send_frame(self._send_cipher.seal(codec.pack(node)))

    async def ask(self, query: Node) -> Node:
        """Send an iq and return its answer; raises ConnectionError when the connection ends."""
        query_id = self.next_id()
        query.attrs["id"] = query_id
        future = asyncio.get_running_loop().create_future()
        self._asked[query_id] = future
        self.send(query)
        try:
            answer: Node = await future
            return answer
        finally:
            self._asked.pop(query_id, None)

    def answered(self, node: Node) -> bool:
        """Hand an iq's answer to whoever waits for it; False when nobody does."""
        future = self._asked.get(node.get("id"))
        if future is None or future.done():
            return False
        future.set_result(node)
        return True

    def next_id(self) -> str:
        """Return an id for a query of the server's own."""
        return f"s{next(self._ids)}"

    def close(self) -> None:
        """End the connection properly."""
        self._end()
        self._websocket.close()

    def close_later(self, seconds: float) -> None:
        """End it in a moment: at once would race with the client's handling of the last stanza."""
        asyncio.get_running_loop().call_later(seconds, self.close)

    def drop(self) -> None:
        """Cut it as a lost network does."""
        self._end()
        self._websocket.abort()

    def _is_mute(self) -> bool:
        number = self.endpoint.account.number if self.endpoint else None
        return self.network.faults.of(number).mute

    def _end(self) -> None:
        self.closed = True
        self.active = False
        for future in self._asked.values():
            if not future.done():
                future.set_exception(ConnectionError("the connection ended"))

    def _send_frame(self, data: bytes) -> None:
        self._websocket.send(len(data).to_bytes(_LENGTH, "big") + data)

    async def _frame(self) -> bytes:
        await self._fill(_LENGTH)
        length = int.from_bytes(self._take(_LENGTH), "big")
        await self._fill(length)
        return self._take(length)

    async def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            self._buffer += await self._websocket.receive()

    def _take(self, size: int) -> bytes:
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    def __str__(self) -> str:
        return str(self.endpoint.jid) if self.endpoint else "unlinked"
