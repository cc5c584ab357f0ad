"""`python -m tests.bench.pages`: how long the list of instances takes, and how much it weighs.

In one process, through the whole application but the web server: what is measured is ours.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bs4 import BeautifulSoup
from cryptography.fernet import Fernet
from flask import Flask
from werkzeug.test import TestResponse

from app import bell, create_app, migrating, redis_server, topics, translations
from app.clock import utcnow
from app.config import Settings
from app.core.ids import new_id
from app.extensions import db
from app.models import Chat, User
from app.supervisor.process import spawn
from app.transaction import transaction
from tests import factories
from tests.queries import selects
from tests.ui.browser import Browser
from tests.waiting import wait_for

TIMES = 20


def main() -> None:
    """Fills a database, measures and prints a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--instances", type=int, nargs="+", default=[10, 200, 1000])
    parser.add_argument("--chats", type=int, default=100, help="of each instance")
    options = parser.parse_args()
    translations.compile_stale()
    print("| instances | page, ms | news, ms | no news, ms | queries | page, KB | compressed, KB |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for count in options.instances:
        with tempfile.TemporaryDirectory(prefix="pages-") as folder, _app(Path(folder)) as app:
            print(_measure(app, count, options.chats))


@contextmanager
def _app(folder: Path) -> Iterator[Flask]:
    key = Fernet.generate_key().decode()
    settings = Settings(
        _env_file=None, data_dir=folder, secret_key="not a secret", encryption_keys=[key]
    )
    redis = spawn(redis_server.spec(settings))
    try:
        wait_for(lambda: redis_server.answers(settings), what="Redis answers")
        migrating.migrate(create_app(settings, web=False))
        app = create_app(settings)
        yield app
        with app.app_context():
            db.engine.dispose()
    finally:
        redis.terminate()
        redis.wait(10)


def _measure(app: Flask, count: int, chats: int) -> str:
    with app.app_context():
        owner = factories.user()
        db.session.expunge(owner)
        _fill(owner, count, chats)
    browser = Browser(app.test_client()).sign_in(owner)
    page = browser.get("/ui/instances")
    poll = str(BeautifulSoup(page.text, "html.parser").select("#instances")[0]["hx-get"])
    whole = _median(lambda: browser.get("/ui/instances"))
    nothing = _median(lambda: _expect(browser.fragment(poll), 204))
    with app.app_context():
        with selects() as asked:
            browser.get("/ui/instances")
        with transaction():
            bell.changed(topics.instances_of(owner.id))
    news = _median(lambda: _expect(browser.fragment(poll), 200))
    weight, small = len(page.data) / 1000, len(gzip.compress(page.data)) / 1000
    return (
        f"| {count} | {whole:.1f} | {news:.1f} | {nothing:.1f} | {len(asked)} "
        f"| {weight:.0f} | {small:.0f} |"
    )


def _fill(owner: User, count: int, chats: int) -> None:
    now = utcnow()
    for number in range(count):
        account = factories.linked_account(
            factories.instance(owner, name=f"Instance {number}", state="connected")
        )
        rows = [
            {
                "id": new_id("cht", now),
                "instance_id": account.instance_id,
                "account_id": account.id,
                "kind": "person",
                "lid": f"{number:06}{chat:06}",
                "name": "Contact",
                "last_at": now,
                "last_kind": "text",
                "last_text": "Hello",
                "unread": chat % 10 == 0,
                "created_at": now,
            }
            for chat in range(chats)
        ]
        with transaction() as session:
            session.execute(db.insert(Chat), rows)


def _expect(answer: TestResponse, status: int) -> None:
    assert answer.status_code == status, answer.status


def _median(call: Callable[[], object]) -> float:
    """Milliseconds of a call, once everything is warm."""
    call()
    times = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


if __name__ == "__main__":
    main()
