"""An import whose worker is killed in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from app.clock import utcnow
from app.config import Settings, current_settings
from app.core.ids import new_id
from app.core.naming import search_text, sort_key
from app.extensions import db
from app.jobs import contact_tasks as contact_task_jobs
from app.jobs import imports
from app.models import (
    Contact,
    ContactImport,
    ContactTask,
    Instance,
    LinkedAccount,
    User,
    WhatsAppContact,
)
from app.models.contact_task import TaskAct
from app.services import contact_files, contact_imports, contact_tasks
from app.storage import storage_of
from app.transaction import transaction
from tests import factories
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 12_000
PATIENCE = 60.0


@pytest.fixture
def shop_id(app: Flask, bob: User) -> str:
    """An instance whose WhatsApp knows many people."""
    with app.app_context():
        instance = factories.instance(bob)
        shop_id = instance.id
        _fill(factories.linked_account(instance))
        return shop_id


def _fill(account: LinkedAccount) -> None:
    now, names = utcnow(), ("book_name", "push_name", "business_name")
    rows = [
        {
            "id": new_id("wac", now),
            "account_id": account.id,
            "phone": f"7916{number:07}",
            "sort_key": sort_key("", f"7916{number:07}", None),
            "search": search_text(phones=[f"7916{number:07}"]),
            "created_at": now,
            **dict.fromkeys(names, ""),
        }
        for number in range(PEOPLE)
    ]
    with transaction() as session:
        session.execute(insert(WhatsAppContact), rows)


class Workers:
    """Processes of `worker.py jobs`, one at a time."""

    def __init__(self, settings: Settings) -> None:
        self.environment = {
            **os.environ,
            "DATA_DIR": str(settings.data_dir),
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "SECRET_KEY": settings.secret_key,
            "ENCRYPTION_KEYS": ",".join(settings.encryption_keys),
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "worker.py", "jobs"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment)

    def kill(self) -> None:
        """Ends it as a crash would, and its fork with it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def workers(settings: Settings) -> Iterator[Workers]:
    started = Workers(settings)
    yield started
    started.kill()


def now_of(job_id: str) -> ContactImport:
    db.session.rollback()
    return db.session.get_one(ContactImport, job_id)


@pytest.mark.timeout(180)
def test_a_killed_import_goes_on_where_it_stood_and_counts_right(
    app: Flask, shop_id: str, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers.start()
    with app.app_context():
        with transaction() as session:
            job_id = contact_imports.start(session.get_one(Instance, shop_id)).id
        wait_for(lambda: now_of(job_id).cursor, PATIENCE, "it copies")
        workers.kill()
        there = now_of(job_id)
        assert there.state == "copying"
        assert 0 < there.added < PEOPLE

        monkeypatch.setattr(contact_imports, "STALLED", utcnow() - utcnow())
        imports.sweep()
        workers.start()
        wait_for(lambda: not now_of(job_id).is_running, PATIENCE, "it is done")
        workers.kill()
        job = now_of(job_id)
        assert (job.state, job.added, job.updated, job.unchanged) == ("done", PEOPLE, 0, 0)
        assert db.session.scalar(select(func.count()).select_from(Contact)) == PEOPLE


def table() -> str:
    rows = [f"Person {number};+7916{number:07}" for number in range(PEOPLE)]
    rows[PEOPLE // 2] = "Nobody;call me"
    return "\n".join(["name;phone", *rows])


def cards() -> str:
    numbers = [f"+7916{number:07}" for number in range(PEOPLE)]
    numbers[PEOPLE // 2] = "call me"
    return "".join(
        f"BEGIN:VCARD\nVERSION:3.0\nFN:Person {place}\nTEL:{number}\nEND:VCARD\n"
        for place, number in enumerate(numbers)
    )


@pytest.fixture(params=["clients.csv", "clients.vcf"])
def file_import_id(app: Flask, bob: User, request: pytest.FixtureRequest) -> str:
    """An import of a large file, not begun."""
    content = table() if request.param.endswith("csv") else cards()
    with app.app_context():
        shop = factories.instance(bob)
        with storage_of(current_settings()).draft() as draft:
            draft.write(content.encode())
            key, name = contact_files.keep(draft, request.param)
        plan = contact_files.guess(key)
        with transaction() as session:
            row = contact_files.add(session.get_one(Instance, shop.id), key, name, plan)
            return row.id


@pytest.mark.timeout(180)
def test_a_killed_import_of_a_file_goes_on_where_it_stood_and_counts_right(
    app: Flask, file_import_id: str, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers.start()
    with app.app_context():
        with transaction() as session:
            row = session.get_one(ContactImport, file_import_id)
            contact_files.start(row, contact_files.plan_of(row))
        wait_for(lambda: now_of(file_import_id).position, PATIENCE, "it copies")
        workers.kill()
        there = now_of(file_import_id)
        assert there.state == "copying"
        assert 0 < there.added < PEOPLE - 1

        monkeypatch.setattr(contact_imports, "STALLED", utcnow() - utcnow())
        imports.sweep()
        workers.start()
        wait_for(lambda: not now_of(file_import_id).is_running, PATIENCE, "it is done")
        workers.kill()
        job = now_of(file_import_id)
        counts = job.added, job.updated, job.unchanged, job.refused
        assert (job.state, *counts) == ("done", PEOPLE - 1, 0, 0, 1)
        assert db.session.scalar(select(func.count()).select_from(Contact)) == PEOPLE - 1
        assert list(storage_of(current_settings()).entries()) == []


def _fill_contacts(shop: Instance) -> None:
    now = utcnow()
    names = ("book_name", "push_name", "business_name", "name", "note")
    rows = [
        {
            "id": new_id("con", now),
            "instance_id": shop.id,
            "phone": f"7916{number:07}",
            "sort_key": sort_key("", f"7916{number:07}", None),
            "search": search_text(phones=[f"7916{number:07}"]),
            "tags": [],
            "created_at": now,
            "updated_at": now,
            **dict.fromkeys(names, ""),
        }
        for number in range(PEOPLE)
    ]
    with transaction() as session:
        session.execute(insert(Contact), rows)


def task_of(task_id: str) -> ContactTask:
    db.session.rollback()
    return db.session.get_one(ContactTask, task_id)


@pytest.mark.timeout(180)
def test_a_killed_act_on_many_contacts_goes_on_where_it_stood_and_counts_right(
    app: Flask, bob: User, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        shop = factories.instance(bob)
        _fill_contacts(shop)
        workers.start()
        with transaction() as session:
            place = session.get_one(Instance, shop.id)
            task_id = contact_tasks.start(place, TaskAct.DELETE).id
        factories.contact(shop, name="Later")
        wait_for(lambda: task_of(task_id).seen, PATIENCE, "it works")
        workers.kill()
        there = task_of(task_id)
        assert there.is_running
        assert 0 < there.changed < PEOPLE

        monkeypatch.setattr(contact_tasks, "STALLED", utcnow() - utcnow())
        contact_task_jobs.sweep()
        workers.start()
        wait_for(lambda: not task_of(task_id).is_running, PATIENCE, "it is done")
        workers.kill()
        task = task_of(task_id)
        assert (task.state, task.seen, task.changed) == ("done", PEOPLE, PEOPLE)
        assert [one.name for one in db.session.scalars(select(Contact))] == ["Later"]
