"""GIFs of ours: made by a job before their messages may go, begun anew after every kind of end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.clock import utcnow
from app.config import Settings
from app.conversion.program import Busy
from app.core.media import MediaKind, MediaState
from app.core.states import MessageStatus
from app.extensions import db
from app.jobs import making as jobs
from app.jobs import media as media_jobs
from app.models import Delivery, Instance, Media, Message, User
from app.services import making, messaging, queue, uploads
from app.storage import storage_of
from app.transaction import transaction
from tests import factories
from tests.jobs.test_media import files_of, look, make_due
from tests.moving import film_of, moving
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def instance(app_context: object, bob: User) -> Instance:
    instance = factories.instance(bob)
    factories.linked_account(instance)
    return instance


def queue_gif(
    settings: Settings, instance: Instance, content: bytes | None = None, name: str = "cat.gif"
) -> tuple[str, str]:
    """The ids of a message and of its file."""
    storage = storage_of(settings)
    draft = storage.draft()
    draft.write(content or moving())
    file = uploads.new_file(draft, name, storage, MediaKind.GIF)
    with transaction() as session:
        there = session.get_one(Instance, instance.id)
        said = {"to": "+79161234567", "caption": "look", "source": "ui", "country": "RU"}
        message = uploads.queue_file(there, file, **said)
        return message.id, message.media.id  # type: ignore[union-attr]


def queue_text(instance: Instance, to: str = "+79161234567") -> str:
    with transaction() as session:
        there = session.get_one(Instance, instance.id)
        return messaging.queue_text(there, to=to, text="Hello", source="ui", country="RU").id


def message(message_id: str) -> Message:
    db.session.rollback()
    return db.session.get_one(Message, message_id, populate_existing=True)


def next_id(instance: Instance) -> str | None:
    db.session.rollback()
    found = messaging.next_queued(instance.id, str(instance.account_id))
    return found.id if found else None


def test_a_gif_is_made_and_then_it_may_go(settings: Settings, instance: Instance) -> None:
    message_id, media_id = queue_gif(settings, instance)
    assert (look(media_id).state, next_id(instance)) == (MediaState.MAKING, None)
    there = db.session.get_one(Instance, instance.id)
    assert [one.wait for one in queue.page_of(there).places] == ["file"]

    jobs.make(media_id)

    row = look(media_id)
    content = storage_of(settings).read(str(row.storage_key))
    assert (row.state, row.mime, row.file_name) == (MediaState.STORED, "video/mp4", "cat.mp4")
    assert (row.width, row.height, row.seconds, row.size) == (120, 80, 1, len(content))
    assert row.preview is not None
    assert row.preview.startswith(b"\xff\xd8")
    assert row.source_key is None
    assert len(files_of(settings)) == 2  # the film, and its thumbnail
    assert next_id(instance) == message_id


def test_what_is_written_behind_it_in_the_chat_waits_and_other_chats_go_on(
    settings: Settings, instance: Instance
) -> None:
    before = queue_text(instance)
    message_id, media_id = queue_gif(settings, instance)
    queue_text(instance)
    elsewhere = queue_text(instance, "+79035550000")

    assert next_id(instance) == before
    with transaction():
        messaging.claim(message(before))
    assert next_id(instance) == elsewhere
    jobs.make(media_id)
    assert next_id(instance) == message_id


def test_what_no_gif_can_be_made_of_fails_in_words_and_can_be_tried_again(
    settings: Settings, instance: Instance
) -> None:
    factories.endpoint(instance, events=["message_failed"])
    message_id, media_id = queue_gif(settings, instance, moving("GIF", 5, milliseconds=20_000))

    jobs.make(media_id)

    failed = message(message_id)
    assert (failed.status, failed.failure) == (MessageStatus.FAILED, "gif_too_long")
    assert (look(media_id).state, look(media_id).due_at) == (MediaState.FAILED, None)
    told = db.session.scalars(select(Delivery)).one()
    assert json.loads(told.body)["data"]["reason"] == "gif_too_long"

    with transaction():
        messaging.retry(message(message_id))
    assert look(media_id).state == MediaState.MAKING
    assert message(message_id).status == MessageStatus.QUEUED
    assert next_id(instance) is None
    jobs.make(media_id)
    assert message(message_id).status == MessageStatus.FAILED


def test_a_maker_that_was_killed_is_followed_by_another(
    settings: Settings, instance: Instance
) -> None:
    _, media_id = queue_gif(settings, instance, moving("GIF", 40, (700, 700)))
    worker = start_worker(settings, media_id)
    wait_for(lambda: (settings.media_dir / "drafts").is_dir() and drafts_of(settings), 30)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert look(media_id).state == MediaState.MAKING
    jobs.make(media_id)
    assert look(media_id).state == MediaState.MAKING  # the claim of the dead one holds

    make_due(media_id)
    with transaction():
        assert making.ring_for_due() == 1
    jobs.make(media_id)

    assert look(media_id).state == MediaState.STORED
    storage_of(settings).drop_drafts(utcnow())
    assert len(files_of(settings)) == 2


def start_worker(settings: Settings, media_id: str) -> subprocess.Popen[bytes]:
    program = (
        "import sys; from app import create_app; from app.config import load_settings;"
        "from app.jobs.making import make;"
        "\nwith create_app(load_settings(), web=False).app_context(): make(sys.argv[1])"
    )
    environment = {
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "ENCRYPTION_KEYS": settings.encryption_keys[0],
        "SECRET_KEY": settings.secret_key,
    }
    command = [sys.executable, "-c", program, media_id]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | environment)


def drafts_of(settings: Settings) -> list[Path]:
    return list((settings.media_dir / "drafts").iterdir())


def test_one_that_ends_its_maker_every_time_is_given_up(
    settings: Settings, instance: Instance
) -> None:
    message_id, media_id = queue_gif(settings, instance)
    for _ in range(making.TRIES):
        with transaction():
            assert making.claim(media_id) is not None
        make_due(media_id)

    jobs.make(media_id)

    assert message(message_id).failure == "gif_unreadable"


@pytest.mark.parametrize(("trouble", "tries"), [(Busy(), 1), (OSError("no room"), 0)])
def test_trouble_that_is_not_the_files_is_waited_out(
    settings: Settings,
    instance: Instance,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Exception,
    tries: int,
) -> None:
    message_id, media_id = queue_gif(settings, instance)

    def fail(_: object) -> None:
        raise trouble

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "gif_of", fail)
        jobs.make(media_id)
    row = look(media_id)
    assert (row.state, row.tries) == (MediaState.MAKING, tries)
    assert row.due_at is not None
    assert timedelta() < row.due_at - utcnow() <= timedelta(seconds=10)
    assert message(message_id).status == MessageStatus.QUEUED


def test_a_maker_that_was_too_slow_leaves_nothing(
    settings: Settings, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, media_id = queue_gif(settings, instance)
    convert = jobs.gif_of

    def be_late(film: object) -> object:
        made = convert(film)  # type: ignore[arg-type]
        make_due(media_id)
        jobs.make(media_id)
        return made

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "gif_of", _once(be_late, convert))
        jobs.make(media_id)

    assert look(media_id).state == MediaState.STORED
    assert len(files_of(settings)) == 2


def _once(first: object, then: object) -> object:
    calls = [first]
    return lambda film: (calls.pop() if calls else then)(film)  # type: ignore[operator]


def test_what_is_still_to_be_made_is_no_orphan(
    settings: Settings, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, media_id = queue_gif(settings, instance)
    monkeypatch.setattr(media_jobs, "ABANDONED_AFTER", -timedelta(hours=1))

    assert media_jobs.sweep_files() == 0
    with transaction() as session:
        session.delete(session.get_one(Media, media_id))
    assert media_jobs.sweep_files() == 1
    assert files_of(settings) == []


def test_a_message_that_is_gone_takes_its_gif_along(
    settings: Settings, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id, media_id = queue_gif(settings, instance, film_of())
    convert = jobs.gif_of

    def erase(film: object) -> object:
        with transaction() as session:
            session.delete(session.get_one(Message, message_id))
        return convert(film)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "gif_of", erase)
    jobs.make(media_id)

    key_of_source = [path.name for path in files_of(settings)]
    assert len(key_of_source) == 1  # left to the sweep, as with every row that is deleted


def test_fetching_leaves_alone_what_is_to_be_made(settings: Settings, instance: Instance) -> None:
    _, media_id = queue_gif(settings, instance)

    media_jobs.fetch(media_id)

    assert look(media_id).state == MediaState.MAKING
