"""Programs that wait for events, at the real web server: who leaves makes room for others."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import time_machine
from flask import Flask

from app.clock import utcnow
from app.config import Settings
from app.core.events import Event
from app.jobs import events as job
from app.models import User
from app.services import accounts, outbox
from app.transaction import transaction
from tests import factories
from tests.product import free_port, start
from tests.waiting import wait_for

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
THREADS = 6
ROOM = THREADS // 3


class Asked:
    """A request and its answer, as far as it has come."""

    def __init__(self, port: int, path: str, headers: dict[str, str]):
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=40)
        self.line.request("GET", path, headers=headers)
        self.answer = self.line.getresponse()
        self.status, self.headers = self.answer.status, self.answer.headers

    def leave(self) -> None:
        """Closes the connection, as a program that is killed does."""
        if self.line.sock:
            self.line.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.answer.close()
        self.line.close()


class Web:
    """The web server alone, and a program with a key."""

    def __init__(self, port: int, path: str, key: str):
        self.port, self.path, self.key = port, path, key
        self.began = ""  # the first cursor

    def ask(self, suffix: str = "", **headers: str) -> Asked:
        return Asked(self.port, self.path + suffix, {"X-API-Key": self.key, **headers})

    def fetch(self, suffix: str = "") -> Any:
        """What an answer says."""
        with closing(self.ask(suffix)) as asked:
            return json.load(asked.answer)

    def answers(self) -> bool:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)) as line:
                line.request("GET", "/health")
                return line.getresponse().status == 200
        except OSError:
            return False


class Stream:
    """A stream that is read in a thread of its own, as far as it has come."""

    def __init__(self, asked: Asked):
        assert asked.status == 200, asked.answer.read()
        self._asked = asked
        self.told: list[dict[str, str]] = []
        self.over = False
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def texts(self) -> list[str]:
        return [json.loads(one["data"])["data"]["body"] for one in self.told if "data" in one]

    def leave(self) -> None:
        """Closes the connection, as a program that is killed does."""
        self._asked.leave()
        self._thread.join(10)
        self._asked.close()

    def _read(self) -> None:
        block: dict[str, str] = {}
        try:
            while text := self._asked.answer.readline().decode():
                if text == "\n":
                    self.told.append(block)
                    block = {}
                else:
                    name, _, value = text.rstrip("\n").partition(": ")
                    block[name] = value
        finally:
            self.over = True


@pytest.fixture
def instance_id(app: Flask, bob: User) -> str:
    with app.app_context():
        return factories.instance(bob).id


@pytest.fixture
def tell(app: Flask, instance_id: str) -> Callable[[str], None]:
    """Tells of a message, as a session host does: in another process than the web server."""

    def commit(text: str) -> None:
        with app.app_context(), transaction():
            outbox.emit(instance_id, Event.MESSAGE_RECEIVED, {"body": text})

    return commit


@pytest.fixture
def server(app: Flask, settings: Settings, data_dir: Path) -> Iterator[tuple[Any, int]]:
    """The process, and its port."""
    port = free_port()
    values = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "ENCRYPTION_KEYS": settings.encryption_keys[0],
        "SECRET_KEY": settings.secret_key,
        "WEB_THREADS": str(THREADS),
    }
    output = (data_dir / "web.txt").open("wb")
    with output, start(data_dir, port, output, module="app.supervisor.web", **values) as process:
        yield process, port
        process.terminate()
        process.wait(20)


@pytest.fixture
def web(app: Flask, server: tuple[Any, int], bob: User, instance_id: str) -> Web:
    with app.app_context(), transaction():
        key = accounts.create_key(bob).key_encrypted
    running = Web(server[1], f"/api/instances/{instance_id}/events", key)
    wait_for(running.answers, 60, "the web server answers")
    running.began = running.fetch()["cursor"]
    return running


@pytest.fixture
def streams(web: Web) -> Iterator[Callable[..., Stream]]:
    """Opens streams, and leaves those that are still open."""
    with ExitStack() as opened:

        def open_one(suffix: str = "", **headers: str) -> Stream:
            one = Stream(web.ask(f"/stream{suffix}", **headers))
            opened.callback(one.leave)
            return one

        yield open_one


def test_a_stream_tells_events_as_they_happen_and_is_resumed(web, tell, streams):
    first = streams()
    tell("one")
    wait_for(lambda: first.texts() == ["one"], 10)
    first.leave()
    tell("two")
    again = streams(**{"Last-Event-ID": first.told[-1]["id"]})
    tell("three")
    wait_for(lambda: again.texts() == ["two", "three"], 10)


def test_a_program_that_waits_is_answered_at_the_event(web, tell):
    cursor = web.fetch()["cursor"]
    thread = threading.Timer(1, tell, ["one"])
    thread.start()
    started = time.monotonic()
    (item,) = web.fetch(f"?wait=25&since={cursor}")["items"]
    assert item["body"]["data"]["body"] == "one"
    assert time.monotonic() - started < 10
    thread.join()


def test_who_waits_leaves_threads_for_the_others(web, streams):
    for _ in range(ROOM):
        streams()
    with closing(web.ask("/stream")) as refused:
        assert (refused.status, refused.headers["Retry-After"]) == (503, "15")
    started = time.monotonic()
    with closing(web.ask("?wait=25")) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (200, "2")
    assert all(web.answers() for _ in range(20))
    assert time.monotonic() - started < 10


def test_a_program_that_is_gone_makes_room(web, streams):
    for one in [streams() for _ in range(ROOM)]:
        one.leave()

    def is_room() -> bool:
        with closing(web.ask("/stream?since=now")) as answer:
            return answer.status == 200

    wait_for(is_room, 20, "the server notices that they left")


def test_who_leaves_while_waiting_makes_room(web):
    lines = [http.client.HTTPConnection("127.0.0.1", web.port) for _ in range(ROOM)]
    for line in lines:
        line.request("GET", f"{web.path}?wait=25", headers={"X-API-Key": web.key})

    def is_refused() -> bool:
        with closing(web.ask("/stream")) as answer:
            return answer.status == 503

    wait_for(is_refused, 10, "they wait")
    for line in lines:
        line.close()
    wait_for(lambda: not is_refused(), 20, "the server notices that they left")


def test_a_server_that_ends_waits_for_no_stream(web, server, streams):
    process, _ = server
    stream = streams()
    process.send_signal(signal.SIGTERM)
    wait_for(lambda: stream.over, 4, "the stream is over before gunicorn's grace is")
    assert process.wait(20) == 0
    assert stream.told[0]["id"].startswith("evt_")


class Over(Exception):
    """What ends the program of the documentation."""


def test_the_program_of_the_documentation_follows_and_goes_on_after_a_gap(
    app, web, tell, instance_id
):
    (snippet,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)
    program: dict[str, Any] = {"requests": requests, "time": time}
    exec(snippet, program)  # noqa: S102 - our own documentation
    tell("lost")
    with time_machine.travel(utcnow() + timedelta(hours=73)), app.app_context():
        job.clear()
    seen: list[str] = []

    def work(_: str, body: dict[str, Any]) -> None:
        seen.append(body["data"]["body"])
        if len(seen) == 2:
            raise Over

    tell("one")
    later = threading.Timer(1, tell, ["two"])
    later.start()
    address = f"http://127.0.0.1:{web.port}"
    with pytest.raises(Over):
        program["follow"](address, web.key, instance_id, work, cursor=web.began)
    later.join()
    assert seen == ["one", "two"]
