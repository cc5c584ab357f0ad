from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from app import create_app, migrating
from app.config import Settings
from app.supervisor import roles
from tests.waiting import wait_for

JOBS = "tests.supervisor.jobs"


@contextlib.contextmanager
def running(role: str, settings: Settings) -> Iterator[psutil.Process]:
    environment = {
        **os.environ,
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PYTHONPATH": str(roles.WORKER.parent),
    }
    environment.pop("NEONIZE_BOT_TAG", None)
    process = subprocess.Popen([sys.executable, roles.WORKER, role], env=environment)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "note"


def enqueue(settings: Settings, queue: str, function: str, note: Path) -> None:
    with Redis.from_url(settings.redis_location) as connection:
        Queue(queue, connection=connection, serializer=JSONSerializer).enqueue(
            f"{JOBS}.{function}", str(note)
        )


def test_unknown_role_is_refused_with_the_known_ones() -> None:
    result = subprocess.run(
        [sys.executable, roles.WORKER, "cook"], capture_output=True, text=True, check=False
    )

    assert result.returncode == 2
    assert result.stderr == "usage: worker.py [sessions | pairing | webhooks | jobs | clock]\n"


def test_role_started_by_hand_gets_the_engines_environment_at_exec(
    database: None, settings: Settings
) -> None:
    with running("sessions", settings) as process:
        wait_for(lambda: process.environ().get("NEONIZE_BOT_TAG") == "off", 60)


@pytest.mark.parametrize(("role", "queue"), [("webhooks", "webhooks"), ("jobs", "default")])
def test_jobs_find_the_application(
    database: None, settings: Settings, note: Path, role: str, queue: str
) -> None:
    with running(role, settings):
        enqueue(settings, queue, "note_data_dir", note)

        wait_for(lambda: note.exists() and note.read_text(), 60)
        assert note.read_text() == str(settings.data_dir)


@pytest.mark.parametrize(
    ("role", "queue", "forks"),
    [("webhooks", "webhooks", False), ("jobs", "default", True), ("pairing", "pairing", True)],
)
def test_jobs_run_in_a_fork_where_they_may_take_long(
    database: None, settings: Settings, note: Path, role: str, queue: str, forks: bool
) -> None:
    with running(role, settings) as worker:
        enqueue(settings, queue, "note_pid", note)

        wait_for(note.exists, 60)
        assert (int(note.read_text()) != worker.pid) is forks


def test_fork_dies_with_its_killed_worker(database: None, settings: Settings, note: Path) -> None:
    with running("jobs", settings) as worker:
        enqueue(settings, "default", "hang", note)
        wait_for(note.exists, 60)
        fork = psutil.Process(int(note.read_text()))
        worker.kill()

        wait_for(lambda: not fork.is_running() or fork.status() == psutil.STATUS_ZOMBIE)


def test_idle_worker_ends_at_once(database: None, settings: Settings, note: Path) -> None:
    with running("jobs", settings):
        enqueue(settings, "default", "note_pid", note)
        wait_for(note.exists, 60)
        told = time.monotonic()

    assert time.monotonic() - told < 3


def test_worker_begins_once_the_database_is_migrated(settings: Settings, note: Path) -> None:
    settings = settings.model_copy(update={"database_url": ""})  # its file shows when it looked
    with running("jobs", settings):
        enqueue(settings, "default", "note_pid", note)
        wait_for((settings.data_dir / "manager.db").exists, 60, "it looked for the database")
        assert not note.exists()

        migrating.migrate(create_app(settings, web=False))
        wait_for(note.exists, 60)
