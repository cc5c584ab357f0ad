"""`python -m tests.bench.chat`: how long the chat page takes where there is much of everything.

In one process, through the whole application but the web server: what is measured is ours.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import insert, text
from werkzeug.test import TestResponse

from app import bell, topics
from app.clock import utcnow
from app.core.ids import new_id
from app.core.searching import scope_word, words_of
from app.extensions import db
from app.models import Chat, Instance, Message, MessageText, User
from app.services import messaging
from app.transaction import transaction
from tests import factories
from tests.bench.runs import on_each_database
from tests.product import ROOT
from tests.ui.browser import Browser, only

REPORT = ROOT / "docs" / "reports" / "chat.md"
MESSAGES, CHATS, TIMES = 100_000, 5_000, 60
WANTED = 50.0  # milliseconds, of 95 in 100 requests
# fmt: off
_WORDS = [
    "добрый", "день", "заказ", "букет", "пионы", "розы", "доставка", "завтра", "адрес",
    "подъезд", "курьер", "оплата", "карта", "сколько", "стоит", "спасибо", "можно", "нужно",
    "белые", "красные", "фото", "готово", "ждём", "приедем", "улица", "дом", "квартира",
    "звоните",
]
# fmt: on
_ASKED = ("пионы", "пи", "красные розы завтра", "редкоеслово", "чат 4999", "7916000", "нетничего")
_HEAD = "| what | work, median | time, median | time, 95 % | wanted |"
_METHOD = f"""# Chat: how long its requests take

`make bench-chat` fills a database with one chat of {MESSAGES:,} messages and {CHATS:,} chats of the
same account, each with a message of its own, and asks for the pages and fragments of the chat page
{TIMES} times each, in one process through the whole application but the web server (template,
session, database, Redis). Times are milliseconds; wanted: {WANTED:g} for 95 in 100. "Work" is the
processor time of that process alone (SQLite's included, PostgreSQL's not), which a machine that is
busy with other things changes less.
"""


@dataclass(frozen=True)
class Measured:
    """The times of one kind of request, in milliseconds."""

    what: str
    times: list[float]
    own: list[float]  # of our own process at work: what a busy machine does not change much

    def line(self) -> str:
        """A row of the report's table."""
        cuts = statistics.quantiles(self.times, n=20)
        verdict = "yes" if cuts[-1] < WANTED else "NO"
        middle, own = statistics.median(self.times), statistics.median(self.own)
        return f"| {self.what} | {own:.1f} | {middle:.1f} | {cuts[-1]:.1f} | {verdict} |"


def main() -> None:
    """Fills both databases, measures, and writes the report."""
    on_each_database(REPORT, _METHOD, _table)


def _table(app: Flask) -> Iterator[str]:
    yield from (_HEAD, "| --- | ---: | ---: | ---: | --- |")
    yield from (measured.line() for measured in _measure(app))


@dataclass(frozen=True)
class Full:
    """What the database was filled with."""

    owner: User
    instance_id: str
    chat_id: str
    message_ids: list[str]


def _measure(app: Flask) -> Iterator[Measured]:
    with app.app_context():
        full = _fill()
    browser = Browser(app.test_client()).sign_in(full.owner)
    root = f"/ui/instances/{full.instance_id}/chat"
    chat = f"{root}/{full.chat_id}"
    chance = random.Random(7)  # noqa: S311 - not a secret

    def somewhere() -> str:
        return chance.choice(full.message_ids)

    def part() -> TestResponse:
        return browser.fragment(f"{chat}/messages/part?before={somewhere()}")

    poll = str(only(browser.get(chat), "#news")["hx-get"])
    lines = str(only(browser.get(root), "#lines-news")["hx-get"])
    yield _timed("the list of chats", lambda: browser.get(root))
    yield _timed("the list, unread alone", lambda: browser.get(f"{root}?show=unread"))
    yield _timed("a chat of 100,000 messages opened", lambda: browser.get(chat))
    yield _timed("opened in its middle", lambda: browser.get(f"{chat}?at={somewhere()}"))
    yield _timed("scrolled up by 50", part)
    deep = _deep(app, full)
    yield _timed("the list scrolled down by 40", lambda: browser.fragment(f"{root}/part?{deep}"))
    for word in (
        "пионы",
        "пи",
        "красные розы завтра",
        "редкоеслово",
        "чат 4999",
        "7916000",
        "нетничего",
    ):
        asked = f"{root}/search?q={word}"
        yield _timed(f"search: {word}", lambda asked=asked: browser.fragment(asked))
    yield _timed("a poll without news", lambda: browser.fragment(poll), status=204)

    def news() -> None:
        with app.app_context(), transaction() as session:
            messaging.queue_text_in(
                session.get_one(Instance, full.instance_id),
                session.get_one(Chat, full.chat_id),
                text="новое сообщение",
                source="api",
            )
            bell.changed(topics.chats(full.instance_id))

    def fresh() -> TestResponse:
        now = int(utcnow().timestamp() * 1e6)
        return browser.fragment(f"{chat}/messages?v=old&since={now - 1_000_000}~")

    yield _timed("a poll with a new message", fresh, before=news)
    stale = lines.replace("v=", "v=0")
    yield _timed("a poll of the list with news", lambda: browser.fragment(stale), before=news)


def _deep(app: Flask, full: Full) -> str:
    with app.app_context():
        place = db.session.get_one(Instance, full.instance_id)
        query = db.select(Chat).where(Chat.account_id == place.account_id)
        chat = db.session.scalars(query.order_by(Chat.last_at).offset(CHATS // 2).limit(1)).one()
        micros = (chat.last_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        return f"behind={micros}~{chat.id}"


def _timed(
    what: str,
    call: Callable[[], TestResponse],
    *,
    status: int = 200,
    before: Callable[[], None] | None = None,
) -> Measured:
    times: list[float] = []
    own: list[float] = []
    for number in range(TIMES + 3):
        if before is not None:
            before()
        begun, worked = time.perf_counter(), time.process_time()
        answer = call()
        if number >= 3:  # once everything is warm
            times.append((time.perf_counter() - begun) * 1000)
            own.append((time.process_time() - worked) * 1000)
        if answer.status_code != status:
            raise RuntimeError(f"{what}: {answer.status}")
    return Measured(what, times, own)


def _fill() -> Full:
    """One long chat and many short ones, of an account that is connected."""
    owner = factories.user()
    db.session.expunge(owner)
    account = factories.linked_account(factories.instance(owner, state="connected"))
    now, chance = utcnow() - timedelta(hours=1), random.Random(3)  # noqa: S311 - not a secret
    people: list[dict[str, Any]] = [
        {
            "id": new_id("cht", now),
            "instance_id": account.instance_id,
            "account_id": account.id,
            "kind": "person",
            "lid": f"{number:012}",
            "phone": f"7916{number:07}",
            "name": f"Чат {number}",
            "last_at": now - timedelta(seconds=number),
            "last_kind": "text",
            "last_text": "Добрый день",
            "unread": int(number % 50 == 1),
            "created_at": now,
            "changed_at": now,
        }
        for number in range(CHATS)
    ]
    messages, texts = [], []
    for number in range(MESSAGES + CHATS):
        chat = people[0] if number < MESSAGES else people[number - MESSAGES]
        body = " ".join(chance.choices(_WORDS, k=chance.randint(2, 14)))
        body += " редкоеслово" if number % 10_000 == 5 else ""
        at = now - timedelta(seconds=30 * (MESSAGES + CHATS - number))
        messages.append(_message(chat, body, at, outgoing=number % 3 == 0))
        words = " ".join([scope_word(account.id), *words_of(body)])
        texts.append({"message_id": messages[-1]["id"], "words": words})
    with transaction() as session:
        for kind, rows in ((Chat, people), (Message, messages), (MessageText, texts)):
            for start in range(0, len(rows), 5000):
                session.execute(insert(kind), rows[start : start + 5000])
    if db.engine.dialect.name == "postgresql":  # as its autovacuum does within a minute
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    ids = [str(message["id"]) for message in messages[:MESSAGES]]
    return Full(owner, account.instance_id, people[0]["id"], ids)


def _message(chat: dict[str, Any], body: str, at: datetime, *, outgoing: bool) -> dict[str, Any]:
    return {
        "id": new_id("msg", at),
        "instance_id": chat["instance_id"],
        "account_id": chat["account_id"],
        "chat_id": chat["id"],
        "direction": "out" if outgoing else "in",
        "source": "ui" if outgoing else None,
        "kind": "text",
        "body": body,
        "sender_name": "",
        "status": "read" if outgoing else "received",
        "created_at": at,
        "changed_at": at,
        "shown_at": at,
    }


if __name__ == "__main__":
    main()
