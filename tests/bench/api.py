"""`python -m tests.bench.api`: requests of the JSON API a second, and how late the last comes."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask
from requests import get

from app.models import User
from app.services import named_keys
from app.transaction import transaction
from tests import factories
from tests.bench.requests import Answered, Asked, load
from tests.bench.runs import on_each_database
from tests.bench.serving import BARE
from tests.product import ROOT, free_port
from tests.ui.browser import Browser, only
from tests.waiting import wait_for
from tests.webhooks.test_worker import environment_of

REPORT = ROOT / "docs" / "reports" / "api.md"
LINES, ROUNDS, WARM, SECONDS = 32, 3, 1.0, 5.0
LATE = 100.0
"""Milliseconds in which 99 in 100 are to be answered."""
_BARE = "a bare 204"
_METHOD = f"""# The API: requests a second

`make bench-api` starts the web server as the product does, with its default number of threads, and
asks it from a process of its own on {LINES} connections that stay open, each for {SECONDS:g} s,
{ROUNDS} times in turns; the middle of the {ROUNDS} is told. Server and asker share the machine's
processors. "A bare 204" is an address of the same application that does nothing and asks for no
key: it has a request's id, the security headers and the meter, as all have. The others bring a
named key (the poll a browser's cookie); each sent message is a new one, and is committed with its
outbox row before the answer (SQLite with `synchronous=FULL`, which waits for the disk).
Wanted: the share of the bare 204, and 99 in 100 answered within {LATE:g} ms.
"""
_HEAD = "| what | a second | of the bare | wanted | median, ms | 99 %, ms | |"


@dataclass(frozen=True)
class Case:
    """One thing that is asked, and the share of the bare 204's rate that is wanted of it."""

    what: str
    share: float
    asked: Asked


def main() -> None:
    """Fills each database, asks, and writes the report."""
    on_each_database(REPORT, _METHOD, _measure)


def _measure(app: Flask) -> Iterator[str]:
    yield from (_HEAD, "| --- |" + " --- |" * 6)
    cases = _cases(app)
    with _server(app) as port:
        rounds = [
            [load(port, case.asked, lines=LINES, warm=WARM, seconds=SECONDS) for case in cases]
            for _ in range(ROUNDS)
        ]
    middles = [_middle([one[place] for one in rounds]) for place in range(len(cases))]
    for case, answered in zip(cases, middles, strict=True):
        yield _line(case, answered, bare=middles[0].rate)


def _middle(rounds: list[Answered]) -> Answered:
    return Answered(
        rate=statistics.median(one.rate for one in rounds),
        median=statistics.median(one.median for one in rounds),
        late=statistics.median(one.late for one in rounds),
    )


def _line(case: Case, answered: Answered, *, bare: float) -> str:
    share = answered.rate / bare
    held = "yes" if share >= case.share and answered.late < LATE else "NO"
    return (
        f"| {case.what} | {answered.rate:.0f} | {share:.0%} | {case.share:.0%} "
        f"| {answered.median:.1f} | {answered.late:.1f} | {held} |"
    )


@contextmanager
def _server(app: Flask) -> Iterator[int]:
    port = free_port()
    environment = environment_of(app.config["SETTINGS"])
    environment |= {"PORT": str(port), "API_RATE_LIMIT": "0", "LOG_LEVEL": "WARNING"}
    command = [sys.executable, "-m", "tests.bench.serving"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        wait_for(lambda: _answers(port), 30, "the server answers")
        yield port
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        return get(f"http://127.0.0.1:{port}{BARE}", timeout=5).status_code == 204
    except OSError:
        return False


def _cases(app: Flask) -> list[Case]:
    with app.app_context():
        owner = factories.user()
        instances = [factories.instance(owner) for _ in range(25)]
        polled, sending = (factories.linked_account(one) for one in instances[:2])
        factories.chat(polled)
        factories.chat(sending, phone="15552000001")  # what is sent is news: not for the poll
        secret = _key(owner)
        path, sends = (f"/api/instances/{one.id}" for one in instances[:2])
        chat = f"/ui/instances/{instances[0].id}/chat"
        email = owner.email
    key = f"X-API-Key: {secret}"
    body = '{"to": "15552000001", "text": "Order %d is on its way"}'
    return [
        Case(_BARE, 1.0, Asked(_head("GET", BARE), 204)),
        Case("one instance", 0.5, Asked(_head("GET", path, key), 200)),
        Case("list of 25 instances", 0.3, Asked(_head("GET", "/api/instances", key), 200)),
        Case("unchanged poll of a page", 0.7, Asked(_poll(app, email, chat), 204)),
        Case("send of a text", 0.2, Asked(_send(sends, key), 202, body)),
    ]


def _key(owner: User) -> str:
    with transaction():
        _, secret = named_keys.create(owner, name="Bench", scopes=["read", "send"])
    return secret


def _head(method: str, path: str, *headers: str) -> str:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers])


def _send(path: str, key: str) -> str:
    return _head("POST", f"{path}/send", key, "Content-Type: application/json")


def _poll(app: Flask, email: str, chat: str) -> str:
    """The poll of the list of chats, by somebody who was shown all there is."""
    page = Browser(app.test_client())
    page.post("/login", {"email": email, "password": factories.PASSWORD})
    path = only(page.get(chat), "#lines-news")["hx-get"]
    cookie = page.client.get_cookie("session")
    assert cookie is not None
    return _head("GET", str(path), f"Cookie: session={cookie.value}", "HX-Request: true")


if __name__ == "__main__":
    main()
