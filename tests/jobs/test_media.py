"""Fetching files: whole and genuine or not at all, again after every kind of end."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app import bell
from app.clock import utcnow
from app.config import Settings
from app.core.media import FileFacts, MediaKind, MediaState, RemoteFile
from app.extensions import db
from app.jobs import media as jobs
from app.models import Media, Message, User
from app.services import media
from app.storage import storage_of
from app.transaction import transaction
from tests import factories
from tests.core.test_sniffing import picture
from tests.media_host import MediaHost, content_of, running_media_host
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """On a test network, whose door is the media host's."""
    return settings.model_copy(update={"sandbox": True})


@pytest.fixture
def host(settings: Settings, app_context: object) -> Iterator[MediaHost]:
    with running_media_host(settings.sandbox_dir) as host:
        host.announce(settings.sandbox_state)
        yield host


@pytest.fixture
def message(app_context: object, bob: User) -> Message:
    instance = factories.instance(bob)
    return factories.message(factories.chat(factories.linked_account(instance)), kind="image")


def expect(
    message: Message,
    remote: RemoteFile | None,
    facts: FileFacts | None = None,
    *,
    is_news: bool = True,
) -> str:
    facts = facts or FileFacts(MediaKind.IMAGE)
    with transaction() as session:
        row = session.get_one(Message, message.id)
        return media.expect(row, media.ArrivedFile(facts, remote), is_news=is_news).id


def look(media_id: str) -> Media:
    db.session.rollback()
    return db.session.get_one(Media, media_id, populate_existing=True)


def make_due(media_id: str) -> None:
    with transaction() as session:
        session.get_one(Media, media_id).due_at = utcnow() - timedelta(seconds=1)


def stored_bytes(settings: Settings, row: Media) -> bytes:
    return b"".join(storage_of(settings).open(str(row.storage_key)))


def files_of(settings: Settings) -> list[Path]:
    return [path for path in settings.media_dir.rglob("*") if path.is_file()]


def test_file_is_fetched_decrypted_and_known_by_its_bytes(
    settings: Settings, host: MediaHost, message: Message
) -> None:
    content = picture("PNG")
    media_id = expect(message, host.keep(content))

    jobs.fetch(media_id)

    row = look(media_id)
    assert (row.state, row.mime, row.size) == (MediaState.STORED, "image/png", len(content))
    assert stored_bytes(settings, row) == content
    assert "mms-type=image" in host.asked[0]


@pytest.mark.parametrize("size", [1, 15, 16, 17, 65_536, 500_003])
def test_file_of_any_length_comes_byte_for_byte(
    settings: Settings, host: MediaHost, message: Message, size: int
) -> None:
    content = content_of(size) if size > 1 else b"x"
    remote = host.keep(content, "Document")
    media_id = expect(message, remote, FileFacts(MediaKind.DOCUMENT, size=size))

    jobs.fetch(media_id)

    assert stored_bytes(settings, look(media_id)) == content


def test_keys_of_a_file_are_not_readable_in_the_database(host: MediaHost, message: Message) -> None:
    remote = host.keep(b"secret")
    media_id = expect(message, remote)

    raw = db.session.connection().exec_driver_sql(
        f"SELECT remote FROM media WHERE id = '{media_id}'"  # noqa: S608
    )
    assert remote.direct_path not in str(raw.scalar_one())


def test_changed_byte_is_noticed_and_nothing_is_kept(
    settings: Settings, host: MediaHost, message: Message
) -> None:
    remote = host.keep(content_of(200_000))
    (path,) = host.files
    encrypted = bytearray(host.files[path])
    encrypted[150_000] ^= 1
    host.files[path] = bytes(encrypted)
    remote = replace(remote, encrypted_sha256=hashlib.sha256(bytes(encrypted)).digest())
    media_id = expect(message, remote)

    jobs.fetch(media_id)

    row = look(media_id)
    assert (row.state, row.failure) == (MediaState.FAILED, "not_genuine")
    assert files_of(settings) == []


def test_file_that_is_not_the_announced_one_is_not_kept(
    settings: Settings, host: MediaHost, message: Message
) -> None:
    facts = FileFacts(MediaKind.IMAGE, sha256="00" * 32)
    media_id = expect(message, host.keep(b"another file"), facts)

    jobs.fetch(media_id)

    assert look(media_id).failure == "not_genuine"
    assert files_of(settings) == []


def test_file_much_longer_than_announced_is_broken_off(
    settings: Settings, host: MediaHost, message: Message
) -> None:
    facts = FileFacts(MediaKind.IMAGE, size=10)
    media_id = expect(message, host.keep(content_of(400_000)), facts)

    jobs.fetch(media_id)

    assert look(media_id).failure == "not_genuine"
    assert files_of(settings) == []


@pytest.mark.parametrize("status", [403, 404, 410])
def test_file_that_whatsapp_has_deleted_is_expired(
    host: MediaHost, message: Message, status: int
) -> None:
    media_id = expect(message, host.keep(b"old"))
    host.status = status

    jobs.fetch(media_id)

    row = look(media_id)
    assert (row.state, row.due_at) == (MediaState.EXPIRED, None)


def test_broken_line_is_tried_again_later_and_then_works(
    settings: Settings, host: MediaHost, message: Message
) -> None:
    content = content_of(300_000)
    media_id = expect(message, host.keep(content))
    host.cut_after = 100_000

    jobs.fetch(media_id)

    row = look(media_id)
    assert (row.state, row.failure) == (MediaState.WAITING, "connection_lost")
    assert row.due_at is not None
    assert row.due_at > utcnow()
    assert files_of(settings) == []

    host.cut_after = None
    make_due(media_id)
    jobs.fetch(media_id)
    assert stored_bytes(settings, look(media_id)) == content


def test_last_of_many_tries_is_a_failure_and_a_person_may_ask_again(
    settings: Settings, host: MediaHost, message: Message
) -> None:
    media_id = expect(message, host.keep(b"at last"))
    host.status = 500
    for _ in range(media.TRIES):
        make_due(media_id)
        jobs.fetch(media_id)
    row = look(media_id)
    assert (row.state, row.failure) == (MediaState.FAILED, "host_answered_500")

    host.status = None
    with transaction():
        media.ask_for(look(media_id))
    jobs.fetch(media_id)

    assert stored_bytes(settings, look(media_id)) == b"at last"


def test_media_host_with_another_certificate_is_not_believed(
    settings: Settings, host: MediaHost, message: Message, tmp_path: Path
) -> None:
    media_id = expect(message, host.keep(b"x"))
    with running_media_host(tmp_path) as other:
        other.ca_file = host.ca_file
        other.announce(settings.sandbox_state)

        jobs.fetch(media_id)

    assert look(media_id).failure == "not_whatsapp"


@pytest.mark.parametrize("path", ["//evil.example/x", "v/no-slash", "/a\r\nHost: evil", "", "/ü"])
def test_path_that_leads_elsewhere_is_not_asked_for(
    host: MediaHost, message: Message, path: str
) -> None:
    remote = replace(host.keep(b"x"), direct_path=path or "x")
    media_id = expect(message, remote)

    jobs.fetch(media_id)

    assert look(media_id).failure == "bad_path"
    assert host.asked == []


def test_history_waits_until_somebody_asks(
    settings: Settings, host: MediaHost, message: Message
) -> None:
    media_id = expect(message, host.keep(b"old photo"), is_news=False)

    jobs.fetch(media_id)
    assert host.asked == []

    with transaction():
        media.ask_for(look(media_id))
    jobs.fetch(media_id)
    assert look(media_id).state == MediaState.STORED


def test_file_over_the_limit_of_fetching_waits_until_somebody_asks(
    host: MediaHost, message: Message
) -> None:
    facts = FileFacts(MediaKind.DOCUMENT, size=101 * 1024 * 1024)
    media_id = expect(message, host.keep(b"x"), facts)

    jobs.fetch(media_id)

    assert look(media_id).state == MediaState.WAITING
    assert host.asked == []


def test_file_that_nobody_told_the_place_of_has_failed(message: Message) -> None:
    row = look(expect(message, None))

    assert (row.state, row.failure) == (MediaState.FAILED, "not_told")


def test_two_workers_fetch_a_file_once(host: MediaHost, message: Message) -> None:
    media_id = expect(message, host.keep(b"once"))
    with transaction():
        assert media.claim(media_id) is not None

    jobs.fetch(media_id)

    assert host.asked == []


def test_fetcher_that_lost_its_claim_changes_nothing(host: MediaHost, message: Message) -> None:
    media_id = expect(message, host.keep(b"x"))
    with transaction():
        late = media.claim(media_id)
    assert late is not None
    make_due(media_id)
    with transaction():
        assert media.claim(media_id) is not None

        assert not media.stored(late, key="a" * 32, mime="x/y", size=1, sha256="")
        assert not media.failed(late, "x")
        assert not media.renew(late, utcnow())

    assert look(media_id).storage_key is None


def test_killed_fetcher_leaves_nothing_and_another_one_finishes(
    app: Flask, settings: Settings, host: MediaHost, message: Message
) -> None:
    content = content_of(600_000)
    media_id = expect(message, host.keep(content))
    stalled, on = threading.Event(), threading.Event()
    pieces = count()

    def pause() -> None:
        if next(pieces) == 25:  # 400 KB are on their way, and the rest stays here
            wait_for(lambda: sum(f.stat().st_size for f in files_of(settings)) > 100_000, 20)
            stalled.set()
            on.wait(20)

    host.pause = pause
    worker = _fetcher(settings, media_id)
    try:
        assert stalled.wait(20)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        on.set()
    assert look(media_id).state == MediaState.FETCHING
    host.pause = lambda: None

    make_due(media_id)  # a minute later
    jobs.fetch(media_id)

    assert stored_bytes(settings, look(media_id)) == content
    for left in files_of(settings):
        os.utime(left, (time.time() - 7200,) * 2)
    jobs.sweep_files()
    assert len(files_of(settings)) == 1


def _fetcher(settings: Settings, media_id: str) -> subprocess.Popen[bytes]:
    """A process that fetches, as a worker's fork does."""
    program = (
        "import sys\n"
        "from app import create_app\n"
        "app = create_app(web=False)\n"
        "from app.jobs import media\n"
        "with app.app_context():\n"
        "    media.fetch(sys.argv[1])\n"
    )
    environment = {
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "ENCRYPTION_KEYS": settings.encryption_keys[0],
        "SECRET_KEY": settings.secret_key,
        "SANDBOX": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", program, media_id], cwd=ROOT, env=os.environ | environment
    )


def test_sweep_rings_for_what_is_due_once_a_minute(
    app: Flask, host: MediaHost, message: Message
) -> None:
    media_id = expect(message, host.keep(b"x"))
    app.extensions["redis"].flushall()  # the bell got lost

    jobs.sweep()
    jobs.sweep()

    assert [job.args for job in bell.queue(media.QUEUE).get_jobs()] == [[media_id]]


def test_files_of_a_deleted_message_are_removed_after_an_hour(
    settings: Settings, host: MediaHost, message: Message
) -> None:
    media_id = expect(message, host.keep(b"x"))
    jobs.fetch(media_id)
    (path,) = files_of(settings)
    with transaction() as session:
        session.delete(session.get_one(Message, message.id))
    assert db.session.scalar(select(Media.id)) is None

    jobs.sweep_files()
    assert path.exists()  # too young: its row could still come

    os.utime(path, (time.time() - 7200,) * 2)
    assert jobs.sweep_files() == 1
    assert not path.exists()


def test_files_in_use_are_never_swept(
    settings: Settings, host: MediaHost, message: Message
) -> None:
    media_id = expect(message, host.keep(picture("JPEG")))
    jobs.fetch(media_id)
    jobs.make_thumbnail(media_id)
    for path in files_of(settings):
        os.utime(path, (time.time() - 7200,) * 2)

    assert jobs.sweep_files() == 0
    assert len(files_of(settings)) == 2


def test_conversation_shows_the_file_when_it_is_here(host: MediaHost, message: Message) -> None:
    media_id = expect(message, host.keep(b"x"))
    before = db.session.get_one(Message, message.id).changed_at

    jobs.fetch(media_id)

    db.session.rollback()
    assert db.session.get_one(Message, message.id).changed_at > before
