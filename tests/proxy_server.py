"""A real proxy: HTTP CONNECT and SOCKS5, with or without a user name and password.

It leads everything to the test network's own door and keeps a log of what it was asked for.
"""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

Kind = Literal["http", "socks5"]


@dataclass
class Visit:
    """One connection: where it wanted to go, whether it was let through, and what was carried."""

    target: str
    accepted: bool
    sent: int = 0
    received: int = 0


class ProxyServer:
    """Serves one kind of proxy on 127.0.0.1, each connection on two threads.

    `door`: the URL of the HTTP proxy that everything is led to; without one it answers that it
    cannot reach the target. With `tls` it is spoken to over TLS.
    """

    def __init__(
        self,
        kind: Kind,
        door: str | None,
        *,
        credentials: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.visits: list[Visit] = []
        self.credentials = credentials
        self._kind, self._door, self._tls = kind, door, tls
        self._port = 0
        self._open: set[socket.socket] = set()
        self.start()

    @property
    def port(self) -> int:
        """Its TCP port, the same one after another start."""
        return self._port

    def start(self) -> None:
        """Listens."""
        self._server = socket.create_server(("127.0.0.1", self._port))
        self._port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Is down: refuses connections, and has cut those that stood."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        self.drop()

    def drop(self) -> None:
        """Cuts all connections."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def accepted(self) -> list[str]:
        """The targets that were let through, in order."""
        return [visit.target for visit in self.visits if visit.accepted]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            serve = self._visit_http if self._kind == "http" else self._visit_socks
            visit = serve(connection)
            self.visits.append(visit)
            if visit.accepted:
                self._carry(connection, visit)
        except (OSError, ValueError, IndexError):
            pass  # a connection that ends early is no concern of a proxy's
        finally:
            self._open.discard(connection)
            connection.close()

    def _visit_http(self, connection: socket.socket) -> Visit:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1) or _ended()
        first, *lines = head.decode("latin-1").split("\r\n")
        visit = Visit(first.split()[1], accepted=False)
        if self.credentials and f"Proxy-Authorization: {_basic(*self.credentials)}" not in lines:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        elif self._door is None:
            connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        else:
            visit.accepted = True
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return visit

    def _visit_socks(self, connection: socket.socket) -> Visit:
        _, count = _exactly(connection, 2)
        methods = _exactly(connection, count)
        visit = Visit("", accepted=False)
        wanted = 2 if self.credentials else 0
        connection.sendall(bytes([5, wanted if wanted in methods else 0xFF]))
        if wanted not in methods or not self._is_let_in(connection):
            return visit
        _exactly(connection, 4)
        host = _exactly(connection, _exactly(connection, 1)[0]).decode()
        visit.target = f"{host}:{int.from_bytes(_exactly(connection, 2), 'big')}"
        visit.accepted = self._door is not None
        connection.sendall(bytes([5, 0 if visit.accepted else 5, 0, 1, 0, 0, 0, 0, 0, 0]))
        return visit

    def _is_let_in(self, connection: socket.socket) -> bool:
        if not self.credentials:
            return True
        given = []
        _exactly(connection, 1)
        for _ in range(2):
            given.append(_exactly(connection, _exactly(connection, 1)[0]).decode())
        right = tuple(given) == self.credentials
        connection.sendall(bytes([1, 0 if right else 1]))
        return right

    def _carry(self, connection: socket.socket, visit: Visit) -> None:
        with self._enter(visit.target) as behind:
            self._open.add(behind)
            back = threading.Thread(
                target=_pump, args=(behind, connection, visit, "received"), daemon=True
            )
            back.start()
            _pump(connection, behind, visit, "sent")
            back.join(5)
            self._open.discard(behind)

    def _enter(self, target: str) -> socket.socket:
        """A connection to the target by way of the door."""
        door = urlsplit(self._door or "")
        behind = socket.create_connection((door.hostname, door.port), 5)
        behind.settimeout(None)
        behind.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += behind.recv(1) or _ended()
        return behind


@contextmanager
def proxy_server(
    kind: Kind,
    door: str | None,
    credentials: tuple[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[ProxyServer]:
    """A proxy that ends with the block."""
    server = ProxyServer(kind, door, credentials=credentials, tls=tls)
    try:
        yield server
    finally:
        server.stop()


def own_certificate(folder: Path, authorities: str) -> tuple[ssl.SSLContext, str]:
    """TLS for a proxy at 127.0.0.1, and the file of who is to be trusted then: its own certificate
    and those in the file `authorities`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "proxy")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, secret, trusted = folder / "proxy.pem", folder / "proxy.key", folder / "trusted.pem"
    shown.write_bytes(certificate.public_bytes(Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    trusted.write_bytes(Path(authorities).read_bytes() + shown.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, secret)
    return context, str(trusted)


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += connection.recv(count - len(data)) or _ended()
    return data


def _ended() -> bytes:
    raise ConnectionResetError


def _pump(source: socket.socket, sink: socket.socket, visit: Visit, counter: str) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            setattr(visit, counter, getattr(visit, counter) + len(data))
            sink.sendall(data)
    for connection in (source, sink):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
