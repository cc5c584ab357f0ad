"""Files from WhatsApp's media host, piece by piece, and profile pictures, by the way that an
instance takes to WhatsApp.

What comes is checked by who asked for it; here it is only bounded in time. Redirects
are not followed.
"""

from __future__ import annotations

import base64
import http.client
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3.util.ssltransport import SSLTransport

from app.core.proxies import WHATSAPP_PORT, Proxy
from app.outgoing import tunnel
from app.outgoing.dialer import CannotDial, Dialer
from app.outgoing.tunnel import ProxyTrouble

MEDIA_HOST = "mmg.whatsapp.net"
"""The media host that knows every file (whatsmeow, download.go)."""
_WEB = "https://web.whatsapp.com"
SILENT_SECONDS = 30.0
SLOWEST = 20 * 1024
"""Bytes a second. What comes slower over its whole length is given up, and tried again later."""
_GRACE_SECONDS = 120.0
_PIECE = 64 * 1024
_GONE = frozenset({403, 404, 410})  # whatsmeow, download.go: the file is there no more
_PICTURE_HOST = re.compile(r"[a-z0-9.-]+\.whatsapp\.net")  # pps.whatsapp.net mostly
_DIRECT_PATH = re.compile(r"/[\x21-\x7e]{1,2000}")


class HostTrouble(Exception):
    """The file did not come; `slug` says why."""

    def __init__(self, slug: str):
        super().__init__(slug)
        self.slug = slug


class Gone(HostTrouble):
    """WhatsApp has deleted the file."""

    def __init__(self) -> None:
        super().__init__("gone")


@dataclass(frozen=True, slots=True)
class Way:
    """How to get there. proxy: the URL of one, None for that of the environment, or none.
    private_allowed: the proxy may be at a local address. ca_file: whom to trust instead of the
    system's authorities."""

    proxy: str | None = field(default=None, repr=False)
    private_allowed: bool = True
    ca_file: str | None = None


@contextmanager
def download(
    direct_path: str, *, encrypted_sha256: bytes, kind: str, way: Way
) -> Iterator[Iterator[bytes]]:
    """The encrypted file at `direct_path`, in pieces; `kind` is the host's own name for its kind.

    Raises HostTrouble, here or at a piece.
    """
    target = _target(direct_path, encrypted_sha256, kind)
    with _asked(MEDIA_HOST, target, way) as pieces:
        yield pieces


def picture(url: str, *, most: int, way: Way) -> bytes:
    """The profile picture at `url`, where WhatsApp said it is: at one of its own hosts, and of
    `most` bytes at most. Raises HostTrouble."""
    host, target = _picture_at(url)
    content = b""
    with _asked(host, target, way) as pieces:
        for piece in pieces:
            content += piece
            if len(content) > most:
                raise HostTrouble("too_large")
    return content


@contextmanager
def _asked(host: str, target: str, way: Way) -> Iterator[Iterator[bytes]]:
    connection = _Connection(way, host)
    try:
        with _told_as_trouble():
            connection.request("GET", target, headers={"Origin": _WEB, "Referer": f"{_WEB}/"})
            response = connection.getresponse()
        if response.status in _GONE:
            raise Gone
        if response.status != http.client.OK:
            raise HostTrouble(f"host_answered_{response.status}")
        yield _pieces(response)
    finally:
        connection.close()


class _Connection(http.client.HTTPSConnection):
    def __init__(self, way: Way, host: str) -> None:
        self._trust = ssl.create_default_context(cafile=way.ca_file)
        super().__init__(host, WHATSAPP_PORT, context=self._trust)
        self._way = way
        self._dialer: Dialer | None = None

    def connect(self) -> None:
        """Opens the way, and TLS with the media host at its end."""
        proxy = self._way.proxy or _environment_proxy(self.host)
        # A direct way leads to addresses of the world outside only, whatever DNS says.
        self._dialer = Dialer(private_allowed=proxy is not None and self._way.private_allowed)
        if proxy is None:
            connection = self._dialer.dial(self.host, WHATSAPP_PORT)
            connection.settimeout(SILENT_SECONDS)
            self.sock = self._trust.wrap_socket(connection, server_hostname=self.host)
            return
        place = Proxy.of(proxy)
        connection = self._dialer.dial(place.host, place.port)
        connection.settimeout(SILENT_SECONDS)
        opened = tunnel.open_way(connection, place, ssl.create_default_context(), host=self.host)
        if isinstance(opened, socket.socket):
            self.sock = self._trust.wrap_socket(opened, server_hostname=self.host)
        else:
            self.sock = SSLTransport(opened, self._trust, self.host)  # type: ignore[arg-type]

    def close(self) -> None:
        """Ends the connection, also one that was being made."""
        super().close()
        if self._dialer is not None:
            self._dialer.cut()


def _target(direct_path: str, encrypted_sha256: bytes, kind: str) -> str:
    """The path with what the host wants to be told (whatsmeow, download.go)."""
    if not _DIRECT_PATH.fullmatch(direct_path) or direct_path.startswith("//"):
        raise HostTrouble("bad_path")
    digest = quote(base64.urlsafe_b64encode(encrypted_sha256).decode(), safe="")
    joint = "&" if "?" in direct_path else "?"
    return f"{direct_path}{joint}hash={digest}&mms-type={kind}&__wa-mms="


def _picture_at(url: str) -> tuple[str, str]:
    """Host and path, where it is a plain address at a host of WhatsApp's."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise HostTrouble("bad_path") from None
    target = f"{parts.path}?{parts.query}"
    if (
        parts.scheme != "https"
        or not _PICTURE_HOST.fullmatch(parts.netloc)
        or not _DIRECT_PATH.fullmatch(target)
        or target.startswith("//")
    ):
        raise HostTrouble("bad_path")
    return parts.netloc, target


def _pieces(response: http.client.HTTPResponse) -> Iterator[bytes]:
    began, taken = time.monotonic(), 0
    while True:
        with _told_as_trouble():
            piece = response.read(_PIECE)
        if not piece:
            if response.length:  # what was announced and did not come
                raise HostTrouble("connection_lost")
            return
        taken += len(piece)
        if time.monotonic() - began > _GRACE_SECONDS + taken / SLOWEST:
            raise HostTrouble("too_slow")
        yield piece


@contextmanager
def _told_as_trouble() -> Iterator[None]:
    try:
        yield
    except ProxyTrouble as error:
        raise HostTrouble(error.slug) from None
    except CannotDial as error:
        raise HostTrouble(error.slug) from None
    except ssl.SSLCertVerificationError:
        raise HostTrouble("not_whatsapp") from None
    except TimeoutError:
        raise HostTrouble("timeout") from None
    except (OSError, http.client.HTTPException):
        raise HostTrouble("connection_lost") from None


def _environment_proxy(host: str) -> str | None:
    """As the engine takes it."""
    return None if proxy_bypass(host) else getproxies().get("https")
