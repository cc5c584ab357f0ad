"""The door of the network: an HTTP proxy behind which WhatsApp's hosts live.

The engine sends CONNECT for web.whatsapp.com or the media host; the TLS of that host is then
spoken on the same socket, with the sandbox's own certificate.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from datetime import UTC, datetime

from app.sandbox import login, stanzas
from app.sandbox.connection import Connection
from app.sandbox.media import host as media_host
from app.sandbox.network import Network
from app.sandbox.signal.curve import KeyPair
from app.sandbox.wire import http, noise_certificate
from app.sandbox.wire.codec import CodecError
from app.sandbox.wire.noise import NoiseError, ServerHandshake
from app.sandbox.wire.websocket import WebSocket, WebSocketClosed, accept_headers

log = logging.getLogger(__name__)
_CHAT_PATH = "/ws/chat"
_HOSTS = (".whatsapp.com", ".whatsapp.net")
_ENDED = (ConnectionError, TimeoutError, ssl.SSLError, asyncio.IncompleteReadError)


class Proxy:
    """Serves every connection of the engines."""

    def __init__(self, network: Network, tls: ssl.SSLContext, root: KeyPair) -> None:
        self._network = network
        self._tls = tls
        self._noise = KeyPair.generate()
        self._certificate = noise_certificate.chain(root, self._noise.public, datetime.now(UTC))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one TCP connection from its CONNECT to its end."""
        try:
            request = await http.read_request(reader)
            if request and self._lets_through(request, writer):
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await self._serve_host(_host(request), *await self._start_tls(writer))
        except http.HttpError as error:
            log.info("not HTTP on the proxy's port: %s", error)
        except _ENDED as error:
            log.info("a connection ended early: %r", error)
        finally:
            writer.close()

    def _lets_through(self, request: http.Request, writer: asyncio.StreamWriter) -> bool:
        if self._network.faults.of(None).refuse_connections:
            writer.write(http.response("503 Service Unavailable"))
        elif request.method != "CONNECT":
            writer.write(http.response("405 Method Not Allowed"))
        elif not _host(request).endswith(_HOSTS):
            writer.write(http.response("403 Forbidden"))
        else:
            return True
        return False

    async def _start_tls(
        self, outer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport = await loop.start_tls(outer.transport, protocol, self._tls, server_side=True)
        if transport is None:
            raise ConnectionResetError("the connection ended during the TLS handshake")
        protocol.connection_made(transport)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _serve_host(
        self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            if host in (media_host.HOST, media_host.PICTURES_HOST):
                pictures = host == media_host.PICTURES_HOST
                await media_host.serve(self._network, reader, writer, pictures=pictures)
                return
            request = await http.read_request(reader)
            if request is None:
                return
            if request.target.partition("?")[0] != _CHAT_PATH:
                self._network.report_unhandled(f"http {request.method} {request.target[:60]}")
                writer.write(http.response("404 Not Found"))
                return
            headers = accept_headers(request)
            writer.write(_switching(headers))
            await self._serve_chat(WebSocket(reader, writer))
        except WebSocketClosed as error:
            log.info("a websocket ended early: %s", error)
        finally:
            writer.close()

    async def _serve_chat(self, websocket: WebSocket) -> None:
        connection = Connection(self._network, websocket)
        self._network.open_connections.add(connection)
        try:
            handshake = ServerHandshake(self._noise, self._certificate)
            payload = await connection.handshake(handshake)
            login.admit(self._network, connection, payload, handshake.client_static)
            async for stanza in connection.stanzas():
                stanzas.handle(connection, stanza)
        except (NoiseError, CodecError) as error:
            log.warning("%s: %s", connection, error)
        finally:
            self._network.open_connections.discard(connection)
            connection.close()
            self._network.disconnected(connection)


def _host(request: http.Request) -> str:
    return request.target.rpartition(":")[0]


def _switching(headers: dict[str, str]) -> bytes:
    lines = ["HTTP/1.1 101 Switching Protocols", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
