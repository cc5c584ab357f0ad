"""The role of worker.py that sends webhooks, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from flask import Flask
from sqlalchemy import select

from app.clockwork import PERIODIC
from app.config import Settings
from app.extensions import db
from app.models import Delivery
from tests.receiver import Reply
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]


def environment_of(settings: Settings) -> dict[str, str]:
    """What gives another process the settings of this test."""
    return {
        **os.environ,
        "DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "ENCRYPTION_KEYS": ",".join(settings.encryption_keys),
        "WEBHOOK_PRIVATE_ADDRESSES": "1",
    }


@pytest.fixture
def worker(app: Flask, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`worker.py webhooks`, running."""
    command = [sys.executable, "worker.py", "webhooks"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment_of(settings))
    yield process
    process.kill()
    process.wait()


def status() -> str | None:
    db.session.rollback()
    return db.session.scalar(select(Delivery.status))


def test_worker_delivers_without_a_fork(worker, endpoint, receiver, emit):
    receiver.replies = [Reply(delay=0.5)]
    emit()
    wait_for(lambda: receiver.requests, timeout=20)
    assert psutil.Process(worker.pid).children() == []
    wait_for(lambda: status() == "delivered")


def test_worker_finishes_what_it_has_in_hand_when_told_to_end(worker, endpoint, receiver, emit):
    receiver.replies = [Reply(delay=1)]
    emit()
    wait_for(lambda: receiver.requests, timeout=20)
    worker.terminate()
    worker.wait(5)
    assert status() == "delivered"


def test_the_clock_sweeps_every_few_seconds():
    [sweep] = [work for work in PERIODIC if work.run == "app.jobs.webhooks.sweep"]
    assert sweep.every.total_seconds() <= 5
