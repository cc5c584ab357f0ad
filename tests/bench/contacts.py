"""`python -m tests.bench.contacts`: how long contacts take where there are very many of them.

Requests run in one process through the whole application but the web server; imports and acts on
many contacts in a process of their own, as a job's fork is.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import insert, select, text
from werkzeug.test import TestResponse

from app import create_app, translations
from app.clock import utcnow
from app.config import Settings, current_settings
from app.core.ids import new_id
from app.core.naming import search_text, sort_key
from app.extensions import db
from app.jobs import contact_tasks as task_jobs
from app.jobs import imports as import_jobs
from app.models import (
    Chat,
    Contact,
    ContactImport,
    ContactTask,
    Instance,
    User,
    WhatsAppContact,
)
from app.models.contact_task import TaskAct
from app.services import contact_files, contact_imports, contact_lists, contact_tasks
from app.services.contact_lists import Order, Source, Wish, cursor_of
from app.storage import storage_of
from app.transaction import transaction
from tests import factories
from tests.bench.report import machine_and_commit
from tests.bench.runs import running_app
from tests.product import ROOT
from tests.ui.browser import Browser

REPORT = ROOT / "docs" / "reports" / "contacts.md"
PEOPLE, CHATS, ROWS, MOST, TIMES = 100_000, 50_000, 50_000, 1_000_000, 60
WANTED = 30.0  # milliseconds, of 95 in 100 requests
IN_TIME, IN_MEMORY = 10.0, 200.0  # seconds and MB for ROWS rows
SEARCHES = (
    *("анна", "АН", "ёлкин", "smith", "anna sm", "иван петров", "vip", "нетникого"),
    *("8 916 004", "+7 (916) 00", "9160", "004567", "0049 151"),
)
_FIRST = [
    "Анна",
    "Иван",
    "Мария",
    "Пётр",
    "Ольга",
    "Олег",
    "Anna",
    "John",
    "Maria",
    "Peter",
    "Vera",
    "Max",
]
_LAST = [
    "Иванова",
    "Петров",
    "Сидоров",
    "Ёлкин",
    "Смирнова",
    "Smith",
    "Brown",
    "Miller",
    "Kuznetsov",
    "Орлова",
]
_METHOD = f"""# Contacts: how long they take

`make bench-contacts` fills a database with {PEOPLE:,} contacts that are kept, as many that WhatsApp
knows, and {CHATS:,} chats, and asks for lists {TIMES} times each, in one process through the whole
application but the web server (template, session, database, Redis). Times are milliseconds; wanted:
{WANTED:g} for 95 in 100 searches. "Work" is the processor time of that process alone (SQLite's
included, PostgreSQL's not), which a machine that is busy with other things changes less.

Imports and acts on many contacts run as a job does, in a process of its own: seconds from the job's
beginning to its end, and the most memory that the process had, all of the application included.
Wanted: a file of {ROWS:,} rows, all new, in less than {IN_TIME:g} s and {IN_MEMORY:g} MB.
"""
_HEAD = "| what | work, median | time, median | time, 95 % | wanted |"
_JOB_HEAD = "| what | seconds | processor, s | memory, MB | outcome |"


@dataclass(frozen=True)
class Measured:
    """The times of one kind of request, in milliseconds."""

    what: str
    times: list[float]
    own: list[float]

    def line(self) -> str:
        """A row of the report's table."""
        late = statistics.quantiles(self.times, n=20)[-1]
        middle, own = statistics.median(self.times), statistics.median(self.own)
        verdict = "yes" if late < WANTED else "NO"
        return f"| {self.what} | {own:.1f} | {middle:.1f} | {late:.1f} | {verdict} |"


@dataclass(frozen=True)
class Place:
    """What the database was filled with."""

    owner: User
    instance_id: str


def main() -> None:
    """Fills both databases, measures, and writes the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--times", type=int, default=TIMES, help="requests of each kind")
    parser.add_argument("--most", type=int, default=MOST, help="rows of the largest file; 0: none")
    parser.add_argument("--remark", default="", help="a sentence for the report")
    options = parser.parse_args()
    translations.compile_stale()
    load = f"Load average at the beginning: {os.getloadavg()[0]:.1f}. {options.remark}".strip()
    lines = [_METHOD, machine_and_commit(), "", load, ""]
    for database in options.database or ("sqlite", "postgresql"):
        lines += [f"## {database}", ""]
        with (
            tempfile.TemporaryDirectory(prefix="contacts-") as folder,
            running_app(Path(folder), database) as app,
        ):
            for line in _measure(app, options.times, options.most):
                lines.append(line)
                print(line, flush=True)
        lines.append("")
    options.report.write_text("\n".join(lines).rstrip() + "\n")


def _measure(app: Flask, times: int, most: int) -> Iterator[str]:
    with app.app_context():
        place = _fill()
    yield from (_HEAD, "| --- | ---: | ---: | ---: | --- |")
    yield from (one.line() for one in _lists(app, place, times))
    yield from ("", _JOB_HEAD, "| --- | ---: | ---: | ---: | --- |")
    yield from _jobs(app, place, most)


def _lists(app: Flask, place: Place, times: int) -> Iterator[Measured]:
    timed = partial(_timed, repeat=times)
    browser = Browser(app.test_client()).sign_in(place.owner)
    root = f"/ui/instances/{place.instance_id}/contacts"
    kept = f"{root}/list?source=database"
    yield timed("the page of contacts", partial(browser.get, f"{root}?source=database"))
    yield timed("the list alone", partial(browser.fragment, kept))
    yield timed("WhatsApp's list", partial(browser.fragment, f"{root}/list?source=whatsapp"))
    for order in Order:
        sorted_by = f"{kept}&sort={order.value}"
        yield timed(f"by {order.value}", partial(browser.fragment, sorted_by))
        with app.app_context():
            deep = cursor_of(*_middle(place.instance_id, order))
        yield timed(
            f"by {order.value}, from the middle",
            partial(browser.fragment, f"{sorted_by}&after={deep}"),
        )
    for word in SEARCHES:
        for source in Source:
            asked = {"source": source.value, "q": word}
            call = partial(browser.fragment, f"{root}/list", query_string=asked)
            yield timed(f"search in {source.value}: {word}", call)
    talked = {"source": "database", "q": "анна", "sort": "last_message"}
    yield timed(
        "search by last message: анна",
        partial(browser.fragment, f"{root}/list", query_string=talked),
    )
    yield timed("duplicates", partial(browser.get, f"{root}/duplicates"))


def _middle(instance_id: str, order: Order) -> tuple[str, str]:
    """A place halfway down the list."""
    instance = db.session.get_one(Instance, instance_id)
    if order is Order.LAST_MESSAGE:
        query = select(Chat.last_at, Chat.id).where(Chat.account_id == instance.account_id)
        at, chat_id = db.session.execute(
            query.order_by(Chat.last_at).offset(CHATS // 2).limit(1)
        ).one()
        return f"1{at.isoformat()}", chat_id
    query = select(Contact.sort_key, Contact.id).where(Contact.instance_id == instance_id)
    key = Contact.id if order is Order.NEWEST else Contact.sort_key
    found = db.session.execute(query.order_by(key).offset(PEOPLE // 2).limit(1)).one()
    return found.sort_key, found.id


def _timed(what: str, call: Callable[[], TestResponse], repeat: int) -> Measured:
    times: list[float] = []
    own: list[float] = []
    for number in range(repeat + 3):
        begun, worked = time.perf_counter(), time.process_time()
        answer = call()
        if number >= 3:  # once everything is warm
            times.append((time.perf_counter() - begun) * 1000)
            own.append((time.process_time() - worked) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{what}: {answer.status}")
    return Measured(what, times, own)


def _jobs(app: Flask, place: Place, most: int) -> Iterator[str]:
    settings: Settings = app.config["SETTINGS"]
    browser = Browser(app.test_client()).sign_in(place.owner)
    begun = time.perf_counter()
    answer = browser.get(f"/ui/instances/{place.instance_id}/contacts/export.csv?source=database")
    rows = answer.text.count("\n") - 1
    yield f"| export of all as CSV | {time.perf_counter() - begun:.1f} | | | {rows:,} rows |"
    with app.app_context():
        tag = _started(place, TaskAct.TAG)
        yield _job(settings, "a tag for all", "task", tag)
        yield _job(settings, "deletion of all", "task", _started(place, TaskAct.DELETE))
        with transaction() as session:
            job_id = contact_imports.start(session.get_one(Instance, place.instance_id)).id
            contact_imports.take_up(job_id)  # no host reads WhatsApp's contacts here
        yield _job(settings, "import of WhatsApp's contacts", "import", job_id)
        files = (
            (f"CSV of {ROWS:,} rows", _table(ROWS)),
            (f"vCard of {ROWS:,} people", _cards(ROWS)),
            *([(f"CSV of {most:,} rows", _table(most))] if most else ()),
        )
        for what, content in files:
            yield _job(
                settings, what, "import", _brought(factories.instance(place.owner).id, content)
            )


def _started(place: Place, act: TaskAct) -> str:
    with transaction() as session:
        instance = session.get_one(Instance, place.instance_id)
        return contact_tasks.start(instance, act, tag="Bench" if act is TaskAct.TAG else "").id


def _brought(instance_id: str, content: Iterator[str]) -> str:
    """The import of a file, begun."""
    with storage_of(current_settings()).draft() as draft:
        for piece in content:
            draft.write(piece.encode())
        key, name = contact_files.keep(draft, "bench")
    plan = contact_files.guess(key)
    with transaction() as session:
        row = contact_files.add(session.get_one(Instance, instance_id), key, name, plan)
        contact_files.start(row, plan)
        return row.id


def _job(settings: Settings, what: str, kind: str, row_id: str) -> str:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_work, args=(settings, kind, row_id, sender))
    process.start()
    seconds, worked, memory, outcome = receiver.recv()
    process.join()
    return f"| {what} | {seconds:.1f} | {worked:.1f} | {memory:.0f} | {outcome} |"


def _work(settings: Settings, kind: str, row_id: str, sender: Connection) -> None:
    """In a process of its own: the job, turn after turn, until its work is done."""
    with create_app(settings, web=False).app_context():
        begun, worked = time.perf_counter(), time.process_time()
        if kind == "task":
            while db.session.get_one(ContactTask, row_id).is_running:
                task_jobs.run(row_id)
                db.session.rollback()
            outcome = f"{db.session.get_one(ContactTask, row_id).changed:,} changed"
        else:
            while db.session.get_one(ContactImport, row_id).is_running:
                import_jobs.run(row_id)
                db.session.rollback()
            job = db.session.get_one(ContactImport, row_id)
            outcome = f"{job.added:,} new, {job.updated:,} changed, {job.refused:,} refused"
        seconds, worked = time.perf_counter() - begun, time.process_time() - worked
        sender.send((seconds, worked, _most_memory(), outcome))


def _most_memory() -> float:
    """MB this process had at most. `ru_maxrss` would count what its parent had when it began."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def _table(rows: int) -> Iterator[str]:
    yield "Имя;Телефон;Теги;Заметка\n"
    for number in range(rows):
        phone = f"8 (9{number // 10_000_000:02}) {number % 10_000_000:07}"
        yield f"{_name(number)} {number};{phone};опт;\n"


def _cards(people: int) -> Iterator[str]:
    for number in range(people):
        yield (
            f"BEGIN:VCARD\nVERSION:3.0\nN:;{_name(number)};;;\nFN:{_name(number)} {number}\n"
            f"TEL;TYPE=CELL:+7926{number:07}\nEND:VCARD\n"
        )


def _name(number: int) -> str:
    return f"{_FIRST[number % len(_FIRST)]} {_LAST[number // 7 % len(_LAST)]}"


def _fill() -> Place:
    """People of whom half have a chat; one in fifty has a tag; one in ten has a number abroad."""
    owner = factories.user()
    db.session.expunge(owner)
    account = factories.linked_account(factories.instance(owner, state="connected"))
    ids = account.instance_id, account.id
    db.session.rollback()  # PostgreSQL ends transactions that wait for long
    chance = random.Random(5)  # noqa: S311 - not a secret
    numbers = list(range(PEOPLE))
    chance.shuffle(numbers)
    kept = [_person(Contact, ids, number) for number in numbers]
    known = [_person(WhatsAppContact, ids, number) for number in numbers]
    chats = [_chat(ids, number) for number in numbers[:CHATS]]
    with transaction() as session:
        for kind, rows in ((Contact, kept), (WhatsAppContact, known), (Chat, chats)):
            for start in range(0, len(rows), 5000):
                session.execute(insert(kind), rows[start : start + 5000])
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        on_sqlite = db.engine.dialect.name == "sqlite"
        connection.execute(text("ANALYZE" if on_sqlite else "VACUUM ANALYZE"))
    instance = db.session.get_one(Instance, ids[0])
    wish = Wish(Source.DATABASE, limit=1)
    if not contact_lists.page_of(instance, wish, country="RU").lines:
        raise RuntimeError("nobody was added")
    return Place(owner, ids[0])


def _phone(number: int) -> str:
    return f"49151{number:08}" if number % 10 == 0 else f"7916{number:07}"


def _person(
    kind: type[Contact] | type[WhatsAppContact], ids: tuple[str, str], number: int
) -> dict[str, Any]:
    now, phone, name = utcnow(), _phone(number), f"{_name(number)} {number // 3}"
    facts = {"book_name": name, "push_name": _FIRST[number % 11], "business_name": ""}
    tags = ["VIP"] if number % 50 == 0 else []
    common = {"phone": phone, "lid": f"{number:012}", "sort_key": sort_key(name, phone, None)}
    common |= {"search": search_text(name, facts["push_name"], *tags, phones=[phone])}
    common |= facts | {"created_at": now}
    if kind is Contact:
        ours = {"instance_id": ids[0], "name": name, "tags": tags, "note": ""}
        return {"id": new_id("con", now), "updated_at": now} | ours | common
    return {"id": new_id("wac", now), "account_id": ids[1]} | common


def _chat(ids: tuple[str, str], number: int) -> dict[str, Any]:
    at = utcnow() - timedelta(seconds=number)
    return {
        "id": new_id("cht", at),
        "instance_id": ids[0],
        "account_id": ids[1],
        "kind": "person",
        "lid": f"{number:012}",
        "phone": _phone(number),
        "name": _FIRST[number % 11],
        "last_at": at,
        "last_kind": "text",
        "last_text": "Добрый день",
        "created_at": at,
        "changed_at": at,
    }


if __name__ == "__main__":
    main()
