"""The proxy's door: TLS for WhatsApp's hosts, nothing for others."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.sandbox.testing import Sandbox


def _say(sandbox: Sandbox, text: bytes) -> socket.socket:
    url = urlsplit(sandbox.announcement.proxy_url)
    connection = socket.create_connection((url.hostname, url.port), timeout=5)
    connection.sendall(text)
    return connection


def _answer(sandbox: Sandbox, text: bytes) -> bytes:
    with _say(sandbox, text) as connection:
        return connection.recv(4096)


def _connect(host: str) -> bytes:
    return f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("host", "answer"), [("web.whatsapp.com", b""), ("mmg.whatsapp.net", b"HTTP/1.1 404 Not Found")]
)
def test_whatsapps_hosts_speak_tls_with_the_sandboxs_certificate(
    sandbox: Sandbox, host: str, answer: bytes
) -> None:
    context = ssl.create_default_context(cafile=sandbox.announcement.ca_file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with _say(sandbox, _connect(host)) as connection:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        with context.wrap_socket(connection, server_hostname=host) as tls:
            assert tls.selected_alpn_protocol() == "http/1.1"
            tls.sendall(b"GET /ws/chat HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert tls.recv(4096).split(b"\r\n")[0] == answer


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (_connect("example.com"), b"403"),
        (_connect("notwhatsapp.com"), b"403"),
        (b"GET / HTTP/1.1\r\nHost: web.whatsapp.com\r\n\r\n", b"405"),
    ],
)
def test_others_are_refused(sandbox: Sandbox, text: bytes, status: bytes) -> None:
    assert _answer(sandbox, text).split()[1] == status


def test_noise_on_the_port_ends_the_connection_only(sandbox: Sandbox) -> None:
    assert _answer(sandbox, b"\x16\x03\x01garbage\r\n\r\n") == b""
    assert _answer(sandbox, _connect("web.whatsapp.com")).startswith(b"HTTP/1.1 200 ")


def test_no_connection_is_made_while_they_are_refused(sandbox: Sandbox) -> None:
    sandbox.client.set_faults(refuse_connections=True)
    assert _answer(sandbox, _connect("web.whatsapp.com")).split()[1] == b"503"
    sandbox.client.reset_faults()
    assert _answer(sandbox, _connect("web.whatsapp.com")).split()[1] == b"200"


def test_keys_are_kept_and_readable_by_the_owner_only(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "kept")
    first = sandbox.start()
    ca = Path(first.ca_file).read_bytes()
    sandbox.stop()
    second = sandbox.start()
    sandbox.stop()
    assert (second.proxy_url, second.control_url) == (first.proxy_url, first.control_url)
    assert (second.noise_root, Path(second.ca_file).read_bytes()) == (first.noise_root, ca)
    assert not (tmp_path / "kept" / "sandbox.json").exists()
    for name in ("noise_root.key", "server.pem"):
        assert (tmp_path / "kept" / name).stat().st_mode & 0o077 == 0


def test_a_port_in_use_is_one_clear_line(sandbox: Sandbox, tmp_path: Path) -> None:
    taken = urlsplit(sandbox.announcement.proxy_url).port
    assert taken
    with pytest.raises(RuntimeError, match=f"--port {taken} cannot be used: "):
        Sandbox(tmp_path / "second", port=taken).start()
