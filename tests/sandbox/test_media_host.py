"""The media host over plain HTTP: uploads, downloads, and everything it refuses."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from app.sandbox.media import host, tickets
from app.sandbox.network import Network
from app.sandbox.storage import Storage
from app.sandbox.world import Companion

OWNER, FRIEND = "15551000031", "15551000032"
FILE = os.urandom(200_001)


@dataclass
class Host:
    """A media host in a thread of this process, and one client of it."""

    network: Network
    port: int
    auth: str = field(init=False)

    def __post_init__(self) -> None:
        self.auth = self.network.tickets.auth(OWNER, 1)
        self.client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)

    def ask(
        self, method: str, target: str, body: Any = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Return the response and its body."""
        self.client.request(method, target, body, headers)
        response = self.client.getresponse()
        return response, response.read()

    def path(self, content: bytes = FILE, kind: str = "document", auth: str | None = None) -> str:
        """Return the target of an upload of `content`."""
        name = _name(content)
        auth = self.auth if auth is None else auth
        return f"/mms/{kind}/{name}?auth={quote(auth)}&token={quote(name)}"

    def upload(self, content: bytes = FILE) -> str:
        """Upload and return the direct path."""
        response, body = self.ask("POST", self.path(content), content)
        assert response.status == 200
        return str(json.loads(body)["direct_path"])

    def files(self) -> list[str]:
        """The names of all files on its disk, unfinished ones too."""
        return [file.name for file in (self.network.storage.folder / "media").iterdir()]


def _name(content: bytes) -> str:
    return tickets.name_of(hashlib.sha256(content).digest())


def _network(folder: Path) -> Network:
    network = Network(Storage(folder / "world.sqlite", lambda: None))
    for number in {OWNER, FRIEND} - network.accounts.keys():
        network.add_account(number, number, "silent")
    owner = network.accounts[OWNER]
    if not owner.companions:
        network.add_companion(owner, Companion(1, bytes(32), bytes(32), 1, "x", ""))
    return network


@pytest.fixture
def media(tmp_path: Path) -> Iterator[Host]:
    """A host of its own for one test."""
    with _serving(_network(tmp_path)) as running:
        yield running


@contextlib.contextmanager
def _serving(network: Network) -> Iterator[Host]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await host.serve(network, reader, writer)
        writer.close()

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0)

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(5)
    running = Host(network, server.sockets[0].getsockname()[1])
    yield running
    running.client.close()

    async def end() -> None:
        server.close()
        for _ in range(3):  # until the last connection has seen its end
            await asyncio.sleep(0.01)

    asyncio.run_coroutine_threadsafe(end(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def test_what_was_uploaded_can_be_downloaded_on_the_same_connection(media: Host) -> None:
    response, body = media.ask("POST", media.path(), FILE)
    told = json.loads(body)
    assert (response.status, sorted(told)) == (200, ["direct_path", "handle", "url"])
    assert told["url"] == f"https://{host.HOST}{told['direct_path']}&mms3=true"
    response, body = media.ask("GET", told["direct_path"] + "&hash=x&mms-type=document&__wa-mms=")
    assert (response.status, body) == (200, FILE)
    assert response.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "told", "part"),
    [
        ("bytes=0-99", "bytes 0-99/200001", slice(0, 100)),
        ("bytes=150000-", "bytes 150000-200000/200001", slice(150_000, None)),
        ("bytes=-11", "bytes 199990-200000/200001", slice(-11, None)),
    ],
)
def test_a_part_of_a_file_can_be_downloaded(
    media: Host, asked: str, told: str, part: slice
) -> None:
    response, body = media.ask("GET", media.upload(), Range=asked)
    assert (response.status, response.headers["Content-Range"]) == (206, told)
    assert body == FILE[part]


def test_a_part_behind_the_end_is_refused(media: Host) -> None:
    response, _ = media.ask("GET", media.upload(), Range="bytes=200001-")
    assert (response.status, response.headers["Content-Range"]) == (416, "bytes */200001")


def test_uploads_need_the_auth_of_a_linked_device(media: Host) -> None:
    foreign = tickets.Tickets(b"another secret").auth(OWNER, 1)
    gone = media.network.tickets.auth(OWNER, 2)
    for auth in ("", "x", "x.y.z", foreign, gone, media.auth[:-1], media.auth + "x"):
        assert media.ask("POST", media.path(auth=auth), FILE)[0].status == 401
        assert media.ask("DELETE", media.path(auth=auth))[0].status == 401
    assert media.files() == []
    media.upload()


def test_an_upload_must_be_the_file_its_path_names(media: Host) -> None:
    assert media.ask("POST", media.path(), FILE[:-1])[0].status == 400
    assert media.files() == []


def test_an_upload_without_a_length_or_above_the_bound_is_refused(media: Host) -> None:
    media.network.media.limit = len(FILE) - 1
    assert media.ask("POST", media.path(), FILE)[0].status == 413
    media.client.putrequest("POST", media.path())
    media.client.endheaders()
    assert media.client.getresponse().status == 411
    assert media.files() == []


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/"), ("POST", "/mms/feelings/" + "A" * 43 + "="), ("POST", "/mms/image/short")],
)
def test_what_is_not_there_is_reported(media: Host, method: str, target: str) -> None:
    assert media.ask(method, target)[0].status == 404
    assert len(media.network.unhandled) == 1


def test_a_link_is_worth_nothing_when_any_of_it_is_changed(media: Host) -> None:
    link = media.upload()
    other = media.upload(b"another file")
    for forged in (
        link.replace(OWNER, FRIEND),
        link.replace("&oe=", "&oe=1"),
        link.partition("?")[0] + "?" + other.partition("?")[2],
        link.partition("?")[0],
        link.replace("oh=", "oh=é"),
    ):
        assert media.ask("GET", quote(forged, safe="/?=&"))[0].status == 403


def test_a_link_expires(media: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "LINK_LIFETIME", -1)
    assert media.ask("GET", media.upload())[0].status == 403


def test_a_file_that_was_deleted_or_dropped_is_not_found(media: Host) -> None:
    link = media.upload()
    assert media.ask("DELETE", media.path())[0].status == 200
    assert media.ask("DELETE", media.path())[0].status == 404
    assert media.ask("GET", link)[0].status == 404
    media.network.media.limit = len(FILE)
    link = media.upload()
    media.upload(b"one more")
    assert media.ask("GET", link)[0].status == 404


def test_files_and_links_survive_a_restart(tmp_path: Path) -> None:
    network = _network(tmp_path)
    with _serving(network) as before:
        link, auth = before.upload(), before.auth
    network.storage.close()
    network = _network(tmp_path)
    with _serving(network) as after:
        assert after.ask("GET", link)[1] == FILE
        assert after.auth == auth
    network.storage.close()


def test_an_upload_that_breaks_off_leaves_nothing(media: Host) -> None:
    media.network.faults.change(OWNER, {"break_off_uploads": True})
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        media.ask("POST", media.path(), FILE)
    assert media.files() == []


def test_a_download_that_breaks_off_sends_about_half(media: Host) -> None:
    link = media.upload()
    media.network.faults.change(None, {"break_off_downloads": True})
    with pytest.raises(http.client.IncompleteRead) as cut:
        media.ask("GET", link)
    assert FILE.startswith(cut.value.partial)
    assert len(FILE) * 0.3 < len(cut.value.partial) < len(FILE) * 0.7


def test_faults_answer_with_their_status(media: Host) -> None:
    link = media.upload()
    media.network.faults.change(None, {"upload_failure": 507, "download_failure": 410})
    assert media.ask("POST", media.path(b"another"), b"another")[0].status == 507
    assert media.ask("GET", link)[0].status == 410


def test_a_downloads_faults_are_those_of_the_number_it_was_sent_to(media: Host) -> None:
    media.upload()
    to_friend = media.network.tickets.link(_name(FILE), FRIEND)
    to_owner = media.network.tickets.link(_name(FILE), OWNER)
    media.network.faults.change(FRIEND, {"download_failure": 404})
    assert media.ask("GET", to_friend)[0].status == 404
    assert media.ask("GET", to_owner)[0].status == 200


def test_media_can_be_made_slow(media: Host) -> None:
    media.network.faults.change(None, {"media_kb_per_second": 1000})
    start = time.monotonic()
    link = media.upload()
    assert time.monotonic() - start >= 0.2
    assert media.ask("GET", link)[1] == FILE
    assert time.monotonic() - start >= 0.4
