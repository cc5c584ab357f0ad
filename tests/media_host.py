"""WhatsApp's media host as far as a download sees it: behind a proxy's CONNECT, over TLS of an
authority of its own. It can cut off, stall and refuse on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

from app.core.media import RemoteFile
from app.sandbox.wire import tls


def sealed(content: bytes, purpose: str = "Image") -> tuple[bytes, RemoteFile]:
    """`content` as a phone encrypts it, and what its message tells of it."""
    key = secrets.token_bytes(32)
    info = f"WhatsApp {purpose} Keys".encode()
    expanded = HKDF(SHA256(), 112, salt=None, info=info).derive(key)
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(expanded[16:48]), modes.CBC(expanded[:16])).encryptor()
    body = encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
    mac = hmac.new(expanded[48:80], expanded[:16] + body, hashlib.sha256).digest()[:10]
    path = f"/v/{secrets.token_hex(8)}?ccb=1"
    return body + mac, RemoteFile(path, key, hashlib.sha256(body + mac).digest())


class MediaHost:
    """Serves `files` by path. `status` answers everything when it is set; after `cut_after` bytes
    the line is dropped; `pause` is called before each piece."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[str, bytes] = {}
        self.status: int | None = None
        self.cut_after: int | None = None
        self.pause: Callable[[], None] = lambda: None
        self.asked: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.ca_file, server_file = tls.ensure_certificates(folder, datetime.now(UTC))
        self._tls = tls.server_context(server_file)
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def proxy_url(self) -> str:
        """The proxy behind which it lives."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def keep(self, content: bytes, purpose: str = "Image") -> RemoteFile:
        """Stores a file and returns what its message tells."""
        encrypted, remote = sealed(content, purpose)
        self.files[urlsplit(remote.direct_path).path] = encrypted
        return remote

    def announce(self, state_file: Path) -> None:
        """Writes the state file by which the product finds a test network."""
        state_file.parent.mkdir(parents=True, exist_ok=True)
        state = {"proxy_url": self.proxy_url, "control_url": "", "noise_root": "00" * 32}
        state_file.write_text(json.dumps(state | {"ca_file": str(self.ca_file)}))

    def close(self) -> None:
        """Stops listening."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            assert _head(connection).startswith(b"CONNECT mmg.whatsapp.net:443")
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with self._tls.wrap_socket(connection, server_side=True) as line:
                self._answer(line)

    def _answer(self, line: ssl.SSLSocket) -> None:
        target = _head(line).split(b" ")[1].decode()
        self.asked.append(target)
        content = self.files.get(urlsplit(target).path)
        wanted = parse_qs(urlsplit(target).query)["hash"][0]
        status = self.status or (200 if content is not None else 404)
        if status == 200 and content is not None:
            assert base64.urlsafe_b64decode(wanted) == hashlib.sha256(content).digest()
        body = content if status == 200 and content is not None else b""
        line.sendall(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        sent = 0
        while sent < len(body):
            self.pause()
            if self.cut_after is not None and sent >= self.cut_after:
                return
            line.sendall(body[sent : sent + 16384])
            sent += 16384


def _head(line: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = line.recv(4096)
        if not more:
            raise ConnectionResetError
        data += more
    return data


@contextmanager
def running_media_host(folder: Path) -> Iterator[MediaHost]:
    """A media host that ends with the block."""
    host = MediaHost(folder)
    try:
        yield host
    finally:
        host.close()


def content_of(size: int) -> bytes:
    """Bytes that are no known kind of file."""
    return b"\xc8" + os.urandom(size - 1)
