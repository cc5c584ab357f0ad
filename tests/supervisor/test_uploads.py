"""Files through the real web server: streamed to the disk, never held in memory."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from flask import Flask

from app.config import Settings
from app.core.states import InstanceState
from app.models import User
from app.services import accounts
from app.transaction import transaction
from tests import factories
from tests.product import free_port
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
BOUNDARY = "----files"
ALLOWED_GROWTH = 20 * MIB


class Web:
    """The web server of its own, and the process that answers."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, send_path: str, key: str):
        self.process, self.port, self.send_path, self.key = process, port, send_path, key

    def answers(self) -> bool:
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)) as line:
                line.request("GET", "/health")
                return line.getresponse().status == 200
        except OSError:
            return False

    def memory(self) -> int:
        """Bytes of the largest process of the server."""
        family = [psutil.Process(self.process.pid)]
        family += family[0].children(recursive=True)
        return max(one.memory_info().rss for one in family)

    def begin(self, size: int) -> http.client.HTTPConnection:
        """A request whose file has `size` bytes, up to where the file begins."""
        head, tail = self.frame()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest("POST", self.send_path)
        connection.putheader("X-API-Key", self.key)
        connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        connection.putheader("Content-Length", str(len(head) + size + len(tail)))
        connection.endheaders()
        return connection

    def frame(self) -> tuple[bytes, bytes]:
        parts = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="to"\r\n\r\n+79161234567\r\n'
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        return parts.encode(), f"\r\n--{BOUNDARY}--\r\n".encode()

    def upload_unannounced(self, size: int) -> tuple[int, str]:
        """Sends a file of `size` bytes in pieces, without its length, until somebody objects;
        status and code of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest("POST", self.send_path)
        connection.putheader("X-API-Key", self.key)
        connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        head, tail = self.frame()
        with contextlib.suppress(ConnectionError):
            for piece in (head, *[bytes(MIB)] * (size // MIB), tail):
                connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
        with closing(connection), connection.getresponse() as answer:
            return answer.status, json.load(answer)["code"]

    def upload(self, size: int) -> dict[str, object]:
        """Sends a file of `size` bytes; the answer."""
        connection = self.begin(size)
        head, tail = self.frame()
        connection.send(head)
        for left in range(size, 0, -MIB):
            connection.send(os.urandom(min(MIB, left)))
        connection.send(tail)
        answer = connection.getresponse()
        content: dict[str, object] = json.load(answer)
        assert answer.status == 202, content
        connection.close()
        return content


def files_of(settings: Settings) -> list[Path]:
    return [path for path in settings.media_dir.rglob("*") if path.is_file()]


@pytest.fixture
def web(app: Flask, settings: Settings, bob: User) -> Iterator[Web]:
    with app.app_context():
        instance = factories.instance(bob, state=InstanceState.CONNECTED)
        factories.linked_account(instance)
        send_path = f"/api/instances/{instance.id}/send"
        with transaction():
            key = accounts.create_key(bob).key_encrypted
    port = free_port()
    environment = {
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "ENCRYPTION_KEYS": settings.encryption_keys[0],
        "SECRET_KEY": settings.secret_key,
        "PORT": str(port),
    }
    command = [sys.executable, "-m", "app.supervisor.web"]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment)
    running = Web(process, port, send_path, key)
    try:
        wait_for(running.answers, 60, "the web server answers")
        yield running
    finally:
        process.terminate()
        process.wait(20)


def test_document_of_100_mb_costs_the_web_process_less_than_20(
    web: Web, settings: Settings
) -> None:
    web.upload(MIB)  # what is loaded at the first file is no cost of the second
    before, highest, over = web.memory(), [0], threading.Event()

    def watch() -> None:
        while not over.is_set():
            highest[0] = max(highest[0], web.memory())
            time.sleep(0.02)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        web.upload(100 * MIB - 1024)
    finally:
        over.set()
        watching.join()

    assert highest[0] - before < ALLOWED_GROWTH
    sizes = [path.stat().st_size for path in files_of(settings)]
    assert sorted(sizes) == [MIB, 100 * MIB - 1024]


def test_file_announced_as_too_large_is_refused_before_it_is_read(
    web: Web, settings: Settings
) -> None:
    with closing(web.begin(300 * MIB)) as line:
        answer = line.getresponse()

        assert (answer.status, json.load(answer)["code"]) == (413, "file_too_large")
    assert not settings.media_dir.exists()


def test_file_that_does_not_say_how_large_it_is_is_refused_when_it_has_grown_too_large(
    web: Web, settings: Settings
) -> None:
    web.upload(MIB)
    before, kept = web.memory(), files_of(settings)

    assert web.upload_unannounced(300 * MIB) == (413, "too_large")
    assert web.memory() - before < ALLOWED_GROWTH
    assert files_of(settings) == kept


def test_upload_that_breaks_off_leaves_nothing(web: Web, settings: Settings) -> None:
    connection = web.begin(10 * MIB)
    connection.send(web.frame()[0] + os.urandom(MIB))
    drafts = settings.media_dir / "drafts"
    wait_for(lambda: drafts.exists() and list(drafts.iterdir()), 20, "the file is being written")

    connection.close()

    wait_for(lambda: not list(drafts.iterdir()), 20, "nothing of it is left")
