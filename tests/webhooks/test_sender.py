"""The HTTP sender against real servers."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.outgoing import dialer
from app.outgoing.sender import ANSWER_BYTES, Answer, Sender, retry_after
from tests.receiver import Reply

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def sender() -> Iterator[Sender]:
    with Sender(private_allowed=True, timeout=2) as sender:
        yield sender


def post(sender: Sender, url: str, body: bytes = b"{}", **headers: str) -> Answer:
    return sender.post(url, body, headers, now=NOW)


def test_sender_sends_exactly_the_given_bytes(sender, receiver):
    body = '{"text":"Привет \\u0000 🙂"}'.encode()
    assert post(sender, receiver.url, body).delivered
    assert receiver.bodies == [body]


def test_sender_names_itself_and_the_content(sender, receiver):
    post(sender, receiver.url)
    headers = receiver.requests[0].headers
    assert headers["User-Agent"].startswith("WhatsApp-API-Manager/")
    assert headers["Content-Type"] == "application/json; charset=utf-8"


def test_sender_adds_custom_headers(sender, receiver):
    post(sender, receiver.url, **{"X-Shop": "12"})
    assert receiver.requests[0].headers["X-Shop"] == "12"


def test_sender_keeps_the_connection(sender, receiver):
    for _ in range(3):
        post(sender, receiver.url)
    assert len({request.connection for request in receiver.requests}) == 1


def test_sender_keeps_the_first_kilobyte_of_the_answer(sender, receiver):
    receiver.replies = [Reply(body=b"a" * 1000 + b"b" * 1000)]
    assert post(sender, receiver.url).text == "a" * 1000 + "b" * 24


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_sender_follows_no_redirect(sender, receiver, status):
    receiver.replies = [Reply(status=status, headers={"Location": receiver.url})]
    answer = post(sender, receiver.url)
    assert (answer.status, answer.delivered) == (status, False)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(("status", "delivered"), [(200, True), (204, True), (404, False)])
def test_answer_is_delivered_by_2xx_alone(sender, receiver, status, delivered):
    receiver.replies = [Reply(status=status, body=b"")]
    assert post(sender, receiver.url).delivered is delivered


def test_sender_stops_reading_an_endless_answer_and_takes_its_status(sender, receiver):
    receiver.replies = [Reply(endless=True)]
    answer = post(sender, receiver.url)
    assert answer.delivered
    assert len(answer.text) == 1024
    assert answer.duration_ms < 1500


def test_sender_dials_again_after_an_answer_too_long_to_read(sender, receiver):
    receiver.replies = [Reply(body=b"x" * (ANSWER_BYTES * 4))]
    post(sender, receiver.url)
    assert post(sender, receiver.url).delivered
    assert len({request.connection for request in receiver.requests}) == 2


def test_sender_gives_up_on_a_silent_receiver(receiver):
    receiver.replies = [Reply(delay=5)]
    with Sender(private_allowed=True, timeout=0.3) as sender:
        answer = post(sender, receiver.url)
    assert answer.error == "timeout"
    assert 250 <= answer.duration_ms < 2000


def test_sender_gives_up_on_an_answer_that_trickles(receiver):
    receiver.replies = [Reply(trickle=0.05)]
    with Sender(private_allowed=True, timeout=0.5) as sender:
        answer = post(sender, receiver.url)
    assert answer.error == "timeout"
    assert answer.duration_ms < 2000


def test_sender_logs_no_address(receiver, caplog):
    caplog.set_level("DEBUG")
    receiver.replies = [Reply(trickle=0.05)]
    with Sender(private_allowed=True, timeout=0.3) as sender:
        post(sender, f"{receiver.url}?token=swordfish")
        post(sender, f"{receiver.url}?token=swordfish")
    assert "swordfish" not in caplog.text


def test_sender_sends_again_when_an_idle_line_was_closed(sender, receiver):
    receiver.replies = [Reply(), Reply(hang_up=True), Reply()]
    assert post(sender, receiver.url).delivered
    assert post(sender, receiver.url).delivered
    assert len(receiver.requests) == 3


def test_sender_reports_a_receiver_that_hangs_up(sender, receiver):
    receiver.replies = [Reply(hang_up=True)]
    answer = post(sender, receiver.url)
    assert (answer.error, answer.ours) == ("connection_closed", False)
    assert len(receiver.requests) == 1


def test_sender_reports_a_refused_connection(sender):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answer = post(sender, f"http://127.0.0.1:{port}/")
    assert (answer.error, answer.ours) == ("connection_refused", False)


def test_sender_reports_an_unknown_name(sender, monkeypatch):
    _resolve_to(monkeypatch, socket.gaierror(socket.EAI_NONAME, "unknown"))
    answer = post(sender, "http://shop.example/")
    assert (answer.error, answer.ours) == ("name_not_found", False)


def test_sender_takes_silent_name_servers_for_our_own_failure(sender, monkeypatch):
    _resolve_to(monkeypatch, socket.gaierror(socket.EAI_AGAIN, "try again"))
    answer = post(sender, "http://shop.example/")
    assert (answer.error, answer.ours) == ("no_name_service", True)


def test_sender_takes_no_proxy_from_the_environment(sender, receiver, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:9")
    assert post(sender, receiver.url).delivered


def test_sender_refuses_this_machine_unless_allowed(receiver):
    with Sender(private_allowed=False) as sender:
        answer = post(sender, receiver.url)
    assert answer.error == "address_refused"
    assert receiver.requests == []


@pytest.mark.parametrize("host", ["localhost", "0x7f000001", "2130706433", "[::1]", "127.1"])
def test_sender_refuses_this_machine_in_every_notation(receiver, host):
    with Sender(private_allowed=False) as sender:
        answer = post(sender, f"http://{host}:{receiver.port}/")
    assert answer.error == "address_refused"


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.1"]
)
def test_sender_never_calls_metadata_addresses(monkeypatch, address):
    _resolve_to(monkeypatch, address)
    with Sender(private_allowed=True) as sender:
        assert post(sender, "http://metadata.example/").error == "address_refused"


def test_sender_judges_the_address_it_connects_to(receiver, monkeypatch):
    """DNS rebinding: whatever an earlier look-up said, the one that is dialled counts."""
    with Sender(private_allowed=False) as sender:
        for address in ("93.184.216.34", "127.0.0.1"):
            monkeypatch.setattr(dialer, "_connect", _nowhere)
            _resolve_to(monkeypatch, address, port=receiver.port)
            answer = post(sender, f"http://shop.example:{receiver.port}/")
    assert answer.error == "address_refused"
    assert receiver.requests == []


def test_sender_skips_the_refused_addresses_of_a_name(sender, receiver, monkeypatch):
    _resolve_to(monkeypatch, "169.254.169.254", "127.0.0.1", port=receiver.port)
    assert post(sender, f"http://shop.example:{receiver.port}/").delivered


def test_sender_refuses_a_certificate_it_cannot_verify(sender, tls_port):
    answer = post(sender, f"https://localhost:{tls_port}/")
    assert (answer.error, answer.ours) == ("tls_failed", False)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 5 ", 5),
        ("99999999999999", 86_400),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("²", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value, seconds):
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert retry_after(value, now=NOW) == expected


def _resolve_to(monkeypatch, *found: str | OSError, port: int = 80) -> None:
    def getaddrinfo(*_, **__):
        answers = []
        for one in found:
            if isinstance(one, OSError):
                raise one
            family = socket.AF_INET6 if ":" in one else socket.AF_INET
            answers.append((family, socket.SOCK_STREAM, 0, "", (one, port)))
        return answers

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_sender_takes_any_certificate_where_it_is_told_to(sender, tls_port):
    url = f"https://localhost:{tls_port}/"
    assert sender.post(url, b"{}", {}, now=NOW, verify_tls=False).delivered


def _nowhere(*_) -> socket.socket:
    raise TimeoutError


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    """The port of a server with a certificate that nobody vouches for."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_shake_hands_once, args=(server, context))
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def _shake_hands_once(server: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = server.accept()
    with (
        connection,
        suppress(ssl.SSLError),
        context.wrap_socket(connection, server_side=True) as line,
    ):
        asked = b""
        while not asked.endswith(b"{}"):  # all of it: what is left unread resets the connection
            if not (part := line.recv(65_536)):
                return
            asked += part
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
