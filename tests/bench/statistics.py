"""`python -m tests.bench.statistics`: how long statistics take after a year of many instances.

In one process, through the whole application but the web server: what is measured is ours.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Table, insert, text
from werkzeug.test import TestResponse

from app import translations
from app.clock import utcnow
from app.core.ids import new_id
from app.core.periods import Period
from app.core.usage import Grain, floor_of
from app.extensions import db
from app.models import CHAT_USAGE, USAGE, Chat, Instance, User
from app.services import counting
from app.services.counting import Counted
from app.transaction import transaction
from tests import factories
from tests.bench.chat import Measured
from tests.bench.report import machine_and_commit
from tests.bench.runs import running_app
from tests.product import ROOT
from tests.ui.browser import Browser

REPORT = ROOT / "docs" / "reports" / "statistics.md"
INSTANCES, DAYS, MESSAGES, CHATS, TIMES = 50, 365, 10_000_000, 200, 60
WANTED_KB = 150
_METHOD = """# Statistics: how long they take

`make bench-stats` fills a database with what was counted of {instances} instances in {days} days,
{messages:,} messages in all, with rows of every hour, and of {chats} chats of each instance, and
asks for the page, its parts and the API {times} times each, in one process through the whole
application but the web server (template, session, database, Redis), as a reader in Moscow. Times
are milliseconds; wanted: 50 for 95 in 100, and pages under {kb} kB. "Work" is the processor time of
that process alone (SQLite's included, PostgreSQL's not), which a machine that is busy with other
things changes less. The busiest hours and chats come after the page, by a request of their own.
"""
_HEAD = "| what | work, median | time, median | time, 95 % | wanted |"


def main() -> None:
    """Fills both databases, measures, and writes the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--instances", type=int, default=INSTANCES)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--chats", type=int, default=CHATS, help="of each instance")
    parser.add_argument("--times", type=int, default=TIMES, help="requests of each kind")
    options = parser.parse_args()
    translations.compile_stale()
    load = f"Load average at the beginning: {os.getloadavg()[0]:.1f}."
    method = _METHOD.format(**vars(options), kb=WANTED_KB)
    lines = [method, machine_and_commit(), "", load, ""]
    for database in options.database or ("sqlite", "postgresql"):
        lines += [f"## {database}", ""]
        with (
            tempfile.TemporaryDirectory(prefix="statistics-") as folder,
            running_app(Path(folder), database) as app,
        ):
            for line in _measure(app, options):
                lines.append(line)
                print(line, flush=True)
        lines.append("")
    options.report.write_text("\n".join(lines).rstrip() + "\n")


def _measure(app: Flask, options: argparse.Namespace) -> Iterator[str]:
    with app.app_context():
        owner, instance_id = _fill(options)
    browser = Browser(app.test_client()).sign_in(owner)
    browser.client.set_cookie("timezone", "Europe/Moscow")
    timed = partial(_timed, repeat=options.times)
    yield from (_HEAD, "| --- | ---: | ---: | ---: | --- |")
    weights = []
    for period in Period:
        page = f"/ui/statistics?period={period.value}"
        yield timed(f"the page, {period.value}", partial(_get, browser, page))
        body = browser.get(page).data
        weights.append((period, len(body) / 1000, len(gzip.compress(body)) / 1000))
        busiest = f"/ui/statistics/busiest?period={period.value}"
        yield timed(
            f"busiest hours and chats, {period.value}", partial(_get, browser, busiest, part=True)
        )
    for period in Period:
        query = f"?period={period.value}&timeZone=Europe/Moscow"
        yield timed(f"the API, {period.value}", partial(_get, browser, f"/api/stats/user{query}"))
    one = f"/api/stats/instances/{instance_id}?period=all"
    yield timed("the API, one instance, all", partial(_get, browser, one))
    with app.app_context():
        yield timed("a transaction that counts nothing", partial(_count, instance_id, 0))
        yield timed("a transaction that counts a message", partial(_count, instance_id, 1))
        yield timed("a transaction that counts 200", partial(_count, instance_id, 200))
    yield from ("", "| page | kB | compressed |", "| --- | ---: | ---: |")
    yield from (
        f"| {period.value} | {whole:.0f} | {small:.0f} |" for period, whole, small in weights
    )


def _timed(what: str, call: Callable[[], object], *, repeat: int) -> str:
    for _ in range(3):
        call()
    times, own = [], []
    for _ in range(repeat):
        begun, worked = time.perf_counter(), time.process_time()
        call()
        own.append((time.process_time() - worked) * 1000)
        times.append((time.perf_counter() - begun) * 1000)
    return Measured(what, times, own).line()


def _get(browser: Browser, address: str, *, part: bool = False) -> None:
    answer: TestResponse = browser.fragment(address) if part else browser.get(address)
    assert answer.status_code == 200, answer.status


def _count(instance_id: str, number: int) -> None:
    now = utcnow()
    with transaction() as session:
        session.get_one(Instance, instance_id).contacts_wanted_at = now  # something to commit
        for _ in range(number):
            counting.count(Counted("sent", now, instance_id))


def _fill(options: argparse.Namespace) -> tuple[User, str]:
    """The rows as they would stand there had all of it happened."""
    owner = factories.user()
    db.session.expunge(owner)
    now, accounts = utcnow(), []
    for number in range(options.instances):
        shop = factories.instance(owner, name=f"Instance {number}", state="connected")
        accounts.append(factories.linked_account(shop))
    dice = random.Random(1)  # noqa: S311 - made up
    _hours(owner, accounts, options, now, dice)
    _chats(owner, accounts, options, now, dice)
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return owner, accounts[0].instance_id


def _hours(owner: User, accounts: list[Any], options: Any, now: datetime, dice: Any) -> None:
    each = options.messages / (options.instances * options.days * 24)
    for account in accounts:
        sums: dict[tuple[Grain, datetime], dict[str, int]] = {}
        for ago in range(options.days * 24):
            numbers = _numbers(int(dice.expovariate(1 / each)), dice)
            for grain in Grain:
                key = grain, floor_of(now - timedelta(hours=ago), grain)
                row = sums.setdefault(key, dict.fromkeys(numbers, 0))
                for name, number in numbers.items():
                    row[name] += number
        _insert(
            USAGE,
            [
                {"owner_id": owner.id, "instance_id": account.instance_id}
                | {"grain": grain.value, "start": start, **row}
                for (grain, start), row in sums.items()
            ],
        )


def _numbers(messages: int, dice: Any) -> dict[str, int]:
    sent = messages * 2 // 5
    replies = {f"replies_{number}": dice.randrange(1 + sent // 9) for number in range(2, 18)}
    return replies | {
        "sent": sent,
        "received": messages - sent,
        "media_sent": sent // 8,
        "media_received": (messages - sent) // 5,
        "delivered": sent * 97 // 100,
        "read": sent * 3 // 4,
        "failed": sent // 90,
        "api_calls": messages * 2,
        "webhook_calls": messages * 2,
        "webhook_delivered": messages * 2 - messages // 50,
        "webhook_ms": messages * 170,
    }


def _chats(owner: User, accounts: list[Any], options: Any, now: datetime, dice: Any) -> None:
    for account in accounts:
        shared = {"instance_id": account.instance_id}
        chats = [
            {"id": new_id("cht", now), "account_id": account.id, "kind": "person", **shared}
            | {"lid": f"{number:012}", "name": f"Person {number}", "last_at": now}
            | {"last_text": "", "unread": 0, "created_at": now}
            for number in range(options.chats)
        ]
        _insert(Chat.__table__, chats)  # type: ignore[arg-type]
        sums: dict[tuple[str, Grain, datetime], int] = {}
        for ago in range(options.days):
            for chat in dice.sample(chats, len(chats) // 2):  # half of them write on a day
                for grain in (Grain.DAY, Grain.MONTH):
                    key = chat["id"], grain, floor_of(now - timedelta(days=ago), grain)
                    sums[key] = sums.get(key, 0) + dice.randrange(1, 9)
        _insert(
            CHAT_USAGE,
            [
                {"owner_id": owner.id, "chat_id": chat_id, **shared, "grain": grain.value}
                | {"start": start, "sent": number // 2, "received": number - number // 2}
                for (chat_id, grain, start), number in sums.items()
            ],
        )


def _insert(table: Table, rows: list[dict[str, Any]]) -> None:
    for first in range(0, len(rows), 20_000):
        with transaction() as session:
            session.execute(insert(table), rows[first : first + 20_000])


if __name__ == "__main__":
    main()
