"""A way through somebody's proxy to WhatsApp: HTTP CONNECT (RFC 9110, 9.3.6) and SOCKS5 (RFC 1928,
user name and password by RFC 1929).

Written here, because the check dials by its own guard and tells refused credentials from a host
that the proxy cannot reach: the libraries at hand do neither.
"""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from urllib3.util.ssltransport import SSLTransport

from app.core.proxies import WHATSAPP_HOST, WHATSAPP_PORT, Proxy
from app.outgoing.dialer import CannotDial, Dialer

_HEAD_BYTES = 16 * 1024
_NO_CREDENTIALS, _CREDENTIALS, _NOTHING_SUITS = 0, 2, 0xFF  # RFC 1928, 3
_ADDRESS_BYTES = {1: 4, 4: 16}  # IPv4, IPv6; of 3, a name, the length comes first
_CREDENTIALS_WANTED = "407"  # RFC 9110, 15.5.8
_NOT_UNDERSTOOD = frozenset({"400", "404", "405", "501"})  # what web servers say to CONNECT

Connection: TypeAlias = socket.socket | SSLTransport


class ProxyTrouble(Exception):
    """There is no way through the proxy.

    `slug`: proxy_not_allowed, proxy_not_found, proxy_closed, proxy_timeout, proxy_unreachable,
    not_a_proxy, proxy_certificate, proxy_credentials, proxy_no_way or not_whatsapp. What
    the proxy itself said is not passed on: it may hold what was sent.
    """

    def __init__(self, slug: str):
        super().__init__(slug)
        self.slug = slug


_DIALLING = {
    "address_refused": "proxy_not_allowed",
    "name_not_found": "proxy_not_found",
    "no_name_service": "proxy_not_found",
    "connection_refused": "proxy_closed",
    "timeout": "proxy_timeout",
}


def check(proxy: Proxy, *, private_allowed: bool, ca_file: str | None, seconds: float) -> None:
    """Returns when WhatsApp has shown its certificate at the other end of `proxy`.

    `ca_file`: whom to trust instead of the system's authorities. `seconds` are for all of it.
    Raises ProxyTrouble.
    """
    trust = ssl.create_default_context(cafile=ca_file)
    with _dialled(proxy, private_allowed, seconds) as connection:
        way = open_way(connection, proxy, trust)
        try:
            SSLTransport(way, trust, WHATSAPP_HOST).close()  # type: ignore[arg-type]
        except OSError as error:
            is_another = isinstance(error, ssl.SSLCertVerificationError)
            raise ProxyTrouble("not_whatsapp" if is_another else "proxy_no_way") from None


def check_way(proxy: Proxy, *, private_allowed: bool, seconds: float) -> None:
    """Returns when `proxy` has opened a way to WhatsApp, within `seconds`. Raises ProxyTrouble."""
    with _dialled(proxy, private_allowed, seconds) as connection:
        open_way(connection, proxy, ssl.create_default_context())


def open_way(
    connection: socket.socket, proxy: Proxy, trust: ssl.SSLContext, *, host: str = WHATSAPP_HOST
) -> Connection:
    """The connection to `host`, of WhatsApp, that begins behind `proxy`, to which `connection`
    leads.

    `trust` judges the certificate of an https:// proxy. Raises ProxyTrouble, OSError.
    """
    if proxy.scheme == "socks5":
        _ask_socks(connection, proxy, host)
        return connection
    way: Connection = connection
    if proxy.scheme == "https":
        try:
            way = SSLTransport(connection, trust, proxy.host)
        except ssl.SSLError as error:
            untrusted = isinstance(error, ssl.SSLCertVerificationError)
            raise ProxyTrouble("proxy_certificate" if untrusted else "not_a_proxy") from None
    _ask_http(way, proxy, host)
    return way


@contextmanager
def _dialled(proxy: Proxy, private_allowed: bool, seconds: float) -> Iterator[socket.socket]:
    """A connection to the proxy that is cut when the time is over, however slowly it answers.

    Errors of the network inside the block come out as ProxyTrouble.
    """
    dialer = Dialer(private_allowed=private_allowed)
    over = threading.Event()

    def cut() -> None:
        over.set()
        dialer.cut()

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        with dialer.dial(proxy.host, proxy.port) as connection:
            connection.settimeout(seconds)
            yield connection
    except CannotDial as error:
        raise ProxyTrouble(_DIALLING.get(error.slug, "proxy_unreachable")) from None
    except OSError as error:  # it was silent, or hung up instead of answering
        late = over.is_set() or isinstance(error, TimeoutError)
        raise ProxyTrouble("proxy_timeout" if late else "not_a_proxy") from None
    finally:
        timer.cancel()
        dialer.cut()


def _ask_http(way: Connection, proxy: Proxy, host: str) -> None:
    way.sendall(_connect_request(proxy, host))
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _HEAD_BYTES:
        more = bytes(way.recv(_HEAD_BYTES))
        if not more:
            raise ConnectionResetError
        head += more
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(maxsplit=2)
    if len(words) < 2 or not words[0].startswith("HTTP/"):
        raise ProxyTrouble("not_a_proxy")
    if words[1] == _CREDENTIALS_WANTED:
        raise ProxyTrouble("proxy_credentials")
    if not words[1].startswith("2"):
        raise ProxyTrouble("not_a_proxy" if words[1] in _NOT_UNDERSTOOD else "proxy_no_way")


def _connect_request(proxy: Proxy, host: str) -> bytes:
    target = f"{host}:{WHATSAPP_PORT}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.username:
        pair = f"{proxy.username}:{proxy.password}".encode()
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair).decode()}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _ask_socks(way: socket.socket, proxy: Proxy, host_name: str) -> None:
    methods = [_NO_CREDENTIALS, _CREDENTIALS] if proxy.username else [_NO_CREDENTIALS]
    way.sendall(bytes([5, len(methods), *methods]))
    version, method = _greeted(way)
    if version != 5:
        raise ProxyTrouble("not_a_proxy")
    if method == _CREDENTIALS and proxy.username:
        _sign_in(way, proxy)
    elif method != _NO_CREDENTIALS:
        raise ProxyTrouble("proxy_credentials" if method == _NOTHING_SUITS else "not_a_proxy")
    host = host_name.encode()  # as a name: the proxy resolves it, as it does for the engine
    way.sendall(bytes([5, 1, 0, 3, len(host)]) + host + WHATSAPP_PORT.to_bytes(2, "big"))
    try:
        _, reply, _, kind = _read(way, 4)
    except OSError:
        reply = kind = 1  # it tries for longer than we wait, or gives up without a word
    if reply != 0:
        raise ProxyTrouble("proxy_no_way")
    _read(way, (_ADDRESS_BYTES.get(kind) or _read(way, 1)[0]) + 2)


def _greeted(way: socket.socket) -> bytes:
    """The answer to the greeting, for which half of the time is left: something else than a proxy
    may wait for more, as web servers do for the end of the line."""
    patience = way.gettimeout()
    way.settimeout(patience / 2 if patience else None)
    try:
        answer = _read(way, 2)
    except OSError:
        raise ProxyTrouble("not_a_proxy") from None
    way.settimeout(patience)
    return answer


def _sign_in(way: socket.socket, proxy: Proxy) -> None:
    name, password = proxy.username.encode(), proxy.password.encode()
    way.sendall(bytes([1, len(name)]) + name + bytes([len(password)]) + password)
    try:
        _, refused = _read(way, 2)
    except ConnectionError:  # many hang up instead of saying so
        refused = 1
    if refused:
        raise ProxyTrouble("proxy_credentials")


def _read(way: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = way.recv(count - len(data))
        if not more:
            raise ConnectionResetError
        data += more
    return data
