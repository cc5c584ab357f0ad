"""Connections to allowed addresses only."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from app.core.addresses import Reach, reach_of

CONNECT_SECONDS = 5.0
NO_NETWORK, NO_NAME_SERVICE = "no_network", "no_name_service"
_OURS = frozenset({NO_NETWORK, NO_NAME_SERVICE})
_CUT_OFF = frozenset(
    {
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EADDRNOTAVAIL,  # every local port is in use
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
    }
)


class CannotDial(Exception):
    """No connection was made. `slug` says why; `ours` when it is this machine that is cut off."""

    def __init__(self, slug: str):
        super().__init__(slug)
        self.slug = slug
        self.ours = slug in _OURS


class Dialer:
    """Opens connections, one at a time, and can cut the one it opened last.

    The address is checked where it is dialled: a name that resolves differently the second time
    (DNS rebinding) is judged by what is really connected to.
    """

    def __init__(self, *, private_allowed: bool):
        self._private_allowed = private_allowed
        self._handle: socket.socket | None = None
        self.dialled = 0

    def dial(self, host: str, port: int) -> socket.socket:
        """A connection to the first address of `host` that may be called and answers, within
        5 s for all of them. Raises CannotDial."""
        self.cut()
        deadline = time.monotonic() + CONNECT_SECONDS
        refusals: list[CannotDial] = []
        for family, kind, protocol, _, place in _resolve(host, port):
            if not self._may_call(str(place[0])):
                continue
            try:
                connection = _connect(family, kind, protocol, place, deadline)
            except OSError as error:
                refusals.append(CannotDial(_slug_of(error)))
                continue
            self._handle = connection.dup()  # outlives the TLS wrapping, which takes the original
            self.dialled += 1
            return connection
        # One address without a route from here does not make the others' refusal ours.
        raise min(refusals, key=lambda one: one.ours, default=CannotDial("address_refused"))

    def cut(self) -> None:
        """Ends the connection at once, also under a thread that waits for it."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        with handle, contextlib.suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)

    def _may_call(self, address: str) -> bool:
        reach = reach_of(address)
        return reach is Reach.PUBLIC or (reach is Reach.PRIVATE and self._private_allowed)


class GuardedAdapter(HTTPAdapter):
    """Makes a requests.Session open its connections with `dialer`."""

    def __init__(self, dialer: Dialer):
        self._dialer = dialer
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Sets up urllib3's pools with connections that dial through the guard."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._dialer)


def guarded_session(dialer: Dialer) -> requests.Session:
    """A session that dials through the guard only and takes nothing from the environment: no
    proxy, no .netrc, no other CA bundle."""
    session = requests.Session()
    session.trust_env = False
    session.headers.clear()
    adapter = GuardedAdapter(dialer)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _pools(dialer: Dialer) -> dict[str, type[HTTPConnectionPool]]:
    class PlainConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return dialer.dial(self._dns_host, self.port)

    class TlsConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return dialer.dial(self._dns_host, self.port)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = TlsConnection

        def _validate_conn(self, conn: Any) -> None:
            """Connects, without a warning of certificates that the webhook's owner lets pass."""
            if conn.is_closed:
                conn.connect()

    return {"http": PlainPool, "https": TlsPool}


def _resolve(host: str, port: int) -> list[tuple[Any, ...]]:
    try:
        return list(socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
    except socket.gaierror as error:
        away = error.errno in {socket.EAI_AGAIN, socket.EAI_SYSTEM}
        raise CannotDial(NO_NAME_SERVICE if away else "name_not_found") from error
    except UnicodeError as error:  # a label that is empty or too long
        raise CannotDial("name_not_found") from error


def _connect(
    family: int, kind: int, protocol: int, place: tuple[Any, ...], deadline: float
) -> socket.socket:
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(max(deadline - time.monotonic(), 0.01))
        connection.connect(place)
    except BaseException:
        connection.close()
        raise
    return connection


def _slug_of(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "connection_refused"
    return NO_NETWORK if error.errno in _CUT_OFF else "unreachable"
