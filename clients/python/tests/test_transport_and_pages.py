"""The client against a server that answers as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any

import pytest
import requests
from whatsapp_manager import ApiError, Client, transport

Answer = tuple[int, dict[str, str], Any]


class Server:
    """Keeps requests, and answers `answers` in turn."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answers: list[Answer | None] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline()
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                server.requests.append((self.command, self.path, dict(self.headers), body))
                answer = server.answers.pop(0)
                self.close_connection = True
                if answer is None:
                    return  # hangs up
                status, headers, content = answer
                data = b"" if content is None else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def client(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(transport.time, "sleep", lambda _: None)  # nobody waits in a test
    with Client(server.address, "wam_key", timeout=5) as client:
        yield client


def problem(code: str, **more: Any) -> dict[str, Any]:
    return {"status": 422, "code": code, "detail": "No.", "requestId": "req_1", **more}


def test_a_refusal_is_raised_with_all_that_is_told(server: Server, client: Client) -> None:
    errors = [{"field": "to", "code": "bad_phone", "message": "No."}]
    server.answers = [(422, {}, problem("bad_phone", field="to", errors=errors))]
    with pytest.raises(ApiError) as caught:
        client.send_text("ins_1", "nobody", "Hi")
    error = caught.value
    assert (error.status, error.code, error.field) == (422, "bad_phone", "to")
    assert (error.errors, error.request_id, error.detail) == (errors, "req_1", "No.")


def test_a_refusal_that_is_no_document_is_raised_too(server: Server, client: Client) -> None:
    server.answers = [(502, {}, None)]
    with pytest.raises(ApiError) as caught:
        client.create_instance("Shop")
    assert (caught.value.status, caught.value.code) == (502, "")


def test_the_key_goes_in_a_header(server: Server, client: Client) -> None:
    server.answers = [(200, {}, {"id": "ins_1"})]
    client.instance("ins_1")
    method, path, headers, _ = server.requests[0]
    assert (method, path, headers["X-API-Key"]) == ("GET", "/api/instances/ins_1", "wam_key")


def test_a_send_that_broke_off_is_repeated_under_the_same_key(
    server: Server, client: Client
) -> None:
    server.answers = [None, (202, {}, {"message": {"id": "msg_1"}})]
    assert client.send_text("ins_1", "+7916", "Hi")["id"] == "msg_1"
    keys = {headers["Idempotency-Key"] for _, _, headers, _ in server.requests}
    assert (len(server.requests), len(keys)) == (2, 1)


def test_what_is_not_harmless_is_not_repeated(server: Server, client: Client) -> None:
    server.answers = [None, (201, {}, {})]
    with pytest.raises(requests.ConnectionError):
        client.create_instance("Shop")
    assert len(server.requests) == 1


def test_who_is_asked_to_wait_comes_again_three_times_in_all(
    server: Server, client: Client
) -> None:
    later: Answer = (429, {"Retry-After": "7"}, problem("rate_limited"))
    server.answers = [later, (200, {}, {"id": "ins_1"})]
    assert client.instance("ins_1")["id"] == "ins_1"
    server.answers = [later, later, later]
    with pytest.raises(ApiError) as caught:
        client.instance("ins_1")
    assert (caught.value.retry_after, len(server.requests)) == (7.0, 5)


def test_a_list_goes_on_to_its_end_and_no_further_than_is_wanted(
    server: Server, client: Client
) -> None:
    server.answers = [
        (200, {}, {"items": [{"id": "a"}, {"id": "b"}], "nextCursor": "b/c"}),
        (200, {}, {"items": [{"id": "c"}], "nextCursor": None}),
    ]
    assert [one["id"] for one in client.instances()] == ["a", "b", "c"]
    assert server.requests[1][1] == "/api/instances?cursor=b%2Fc"
    server.answers = [(200, {}, {"items": [{"id": "m"}], "nextBefore": "m"})]
    assert [one["id"] for one in islice(client.messages("ins_1", "7916@s"), 1)] == ["m"]


def test_events_are_followed_past_what_is_not_kept(server: Server, client: Client) -> None:
    event = {"id": "evt_2", "body": {"event": "connected"}}
    server.answers = [
        (410, {}, problem("cursor_too_old", oldestCursor="evt_1")),
        (200, {}, {"items": [event], "cursor": "evt_2", "more": False}),
        (200, {}, {"items": [event | {"id": "evt_3"}], "cursor": "evt_3", "more": False}),
    ]
    events = client.follow("ins_1", since="evt_0", types=["connected"])
    assert [one["id"] for one in islice(events, 2)] == ["evt_2", "evt_3"]
    asked = [path.partition("since=")[2] for _, path, _, _ in server.requests]
    assert asked == ["evt_0", "evt_1", "evt_2"]


def test_ids_cannot_lead_elsewhere(server: Server, client: Client) -> None:
    server.answers = [(204, {}, None)]
    client.delete_instance("../users/usr_1?x")
    assert server.requests[0][1] == "/api/instances/..%2Fusers%2Fusr_1%3Fx"
