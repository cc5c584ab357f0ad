"""A client that says whatever a test likes, at every layer from the socket up."""

from __future__ import annotations

import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag

from app.sandbox.protos import ClientPayload
from app.sandbox.testing import Sandbox
from app.sandbox.wire import codec
from app.sandbox.wire.node import Node
from tests.sandbox.noise_client import Client

HOST = "web.whatsapp.com"
_PROLOGUE = b"WA\x06\x03"
_UPGRADE = (
    b"GET /ws/chat HTTP/1.1\r\nHost: web.whatsapp.com\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class Ended(Exception):
    """The server has ended the connection."""


class RawClient:
    """A connection to the chat host of a sandbox; each method goes one layer up."""

    def __init__(self, sandbox: Sandbox) -> None:
        url = urlsplit(sandbox.announcement.proxy_url)
        self.line: Any = socket.create_connection((url.hostname, url.port), timeout=5)
        self._received = b""
        self._frames = b""
        self.noise = Client()

    def connect(self) -> RawClient:
        """Through the proxy, to the host."""
        self.line.sendall(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode())
        self._until(b"\r\n\r\n")
        return self

    def secure(self) -> RawClient:
        """TLS, whoever the host is."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.line = context.wrap_socket(self.line, server_hostname=HOST)
        return self

    def upgrade(self) -> RawClient:
        """To a websocket."""
        self.line.sendall(_UPGRADE)
        self._until(b"\r\n\r\n")
        return self

    def greet(self, payload: bytes | None = None) -> RawClient:
        """The whole handshake, as a device that nobody knows or with another payload."""
        self.frame(_PROLOGUE + _sized(self.noise.hello()))
        answer = self.receive()
        last = self.noise.finish(answer, _unknown_device() if payload is None else payload)[2]
        self.frame(_sized(last))
        self._up, self._down = self.noise.channel()
        self._sent = self._heard = 0
        return self

    def say(self, data: bytes) -> None:
        """A frame whose plaintext, flags and node, is `data`."""
        nonce = bytes(8) + self._sent.to_bytes(4, "big")
        self._sent += 1
        self.frame(_sized(self._up.encrypt(nonce, data, b"")))

    def say_node(self, node: Node) -> None:
        """A stanza."""
        self.say(codec.pack(node))

    def frame(self, data: bytes) -> None:
        """One binary message of the websocket."""
        size = len(data)
        if size < 126:
            head = bytes((0x82, 0x80 | size))
        elif size < 1 << 16:
            head = b"\x82\xfe" + size.to_bytes(2, "big")
        else:
            head = b"\x82\xff" + size.to_bytes(8, "big")
        self.line.sendall(head + bytes(4) + data)  # masked with nothing

    def receive(self) -> bytes:
        """The next frame of the server, without its length. Raises Ended."""
        while len(self._frames) < 3 or len(self._frames) < 3 + int.from_bytes(self._frames[:3]):
            self._frames += self._message()
        size = int.from_bytes(self._frames[:3])
        found, self._frames = self._frames[3 : 3 + size], self._frames[3 + size :]
        return found

    def receive_tag(self) -> str:
        """The tag of the server's next stanza. Raises Ended."""
        nonce = bytes(8) + self._heard.to_bytes(4, "big")
        self._heard += 1
        return codec.unpack(self._down.decrypt(nonce, self.receive(), b"")).tag

    def close(self) -> None:
        """Goes away."""
        self.line.close()

    def _message(self) -> bytes:
        head = self._exactly(2)
        if head[0] & 0x0F == 8:
            raise Ended
        size = head[1]
        if size > 125:
            size = int.from_bytes(self._exactly(2 if size == 126 else 8))
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            self._more()
        found, self._received = self._received[:size], self._received[size:]
        return found

    def _until(self, end: bytes) -> bytes:
        while end not in self._received:
            self._more()
        found, _, self._received = self._received.partition(end)
        return found

    def _more(self) -> None:
        piece = self.line.recv(65_536)
        if not piece:
            raise Ended
        self._received += piece


REFUSED = (Ended, OSError, InvalidTag)
"""What a client sees that the server has had enough of."""


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(3, "big") + data


def _unknown_device() -> bytes:
    return bytes(ClientPayload(username=15559999999, device=7).SerializeToString())
