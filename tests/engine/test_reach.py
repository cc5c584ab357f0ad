"""Asking whether WhatsApp can be reached, by way of a proxy or not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from app.engine import reach
from app.engine.errors import NetworkUnreachable

Proxy = Callable[[bytes], tuple[int, list[bytes]]]


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Starts a proxy that gives one answer; returns its port and, later, what it was asked."""
    server = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def start(answer: bytes) -> tuple[int, list[bytes]]:
        asked: list[bytes] = []

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(answer)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return server.getsockname()[1], asked

    yield start
    for thread in threads:
        thread.join(5)
    server.close()


def test_proxy_that_connects_is_fine(proxy: Proxy):
    port, asked = proxy(b"HTTP/1.1 200 Connection established\r\n\r\n")
    reach.check(f"http://user:p%40ss@127.0.0.1:{port}")
    assert asked[0].startswith(b"CONNECT web.whatsapp.com:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwQHNz\r\n" in asked[0]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 503 Service Unavailable\r\n\r\n", b""])
def test_proxy_that_refuses_is_unreachable(proxy: Proxy, answer: bytes):
    port, _ = proxy(answer)
    with pytest.raises(NetworkUnreachable):
        reach.check(f"http://127.0.0.1:{port}")


def test_proxy_that_is_not_there_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for scheme in ("http", "socks5"):
        with pytest.raises(NetworkUnreachable):
            reach.check(f"{scheme}://127.0.0.1:{port}")


def test_proxy_of_the_environment_is_used(proxy: Proxy, monkeypatch: pytest.MonkeyPatch):
    port, asked = proxy(b"HTTP/1.1 200 OK\r\n\r\n")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "")
    reach.check(None)
    assert asked
