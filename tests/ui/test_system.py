"""The page of administrators about the deployment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app import bell
from app.clock import utcnow
from app.models import Instance, User
from app.version import VERSION
from tests import factories
from tests.queries import selects
from tests.ui.browser import Browser, only, soup, words


@pytest.fixture
def alices(app: Flask, alice: User) -> Browser:
    """The administrator's browser."""
    return Browser(app.test_client()).sign_in(alice)


def rows(page: object, table: str) -> list[str]:
    return [" ".join(row.get_text(" ").split()) for row in soup(page).select(f"{table} tbody tr")]  # type: ignore[arg-type]


def test_it_tells_the_versions_of_what_runs(alices: Browser) -> None:
    shown = words(alices.get("/ui/system"), "[aria-labelledby=versions]")
    for said in (f"WhatsApp API Manager {VERSION}", "neonize 0.5.2", "Redis", "Python 3."):
        assert said in shown


def test_hosts_stand_there_with_sessions_and_memory(app: Flask, alices: Browser) -> None:
    with app.app_context():
        factories.host(name="machine 7", capacity=40, memory_mib=120)
        factories.host(name="machine 8", draining_at=utcnow())
        factories.host(name="machine 9", seen_at=utcnow() - timedelta(minutes=1))
    seven, eight, nine = rows(alices.get("/ui/system"), "[aria-labelledby=hosts]")
    assert "machine 7 0 из 40 120 МБ" in seven
    assert seven.endswith("Работает")
    assert eight.endswith("Завершается")
    assert nine.endswith("Не отвечает")


def test_without_a_host_it_says_what_that_means(alices: Browser) -> None:
    shown = words(alices.get("/ui/system"), "[aria-labelledby=hosts]")
    assert "Ни один хост сеансов не работает" in shown


def test_queues_stand_there_in_words(app: Flask, alices: Browser) -> None:
    with app.app_context():
        bell.queue("imports").enqueue("app.jobs.imports.sweep", result_ttl=0)
    shown = rows(alices.get("/ui/system"), "[aria-labelledby=queues]")
    assert len(shown) == 6
    assert "Импорт контактов 1 0 0" in shown


def test_without_redis_the_rest_is_there(app: Flask, alices: Browser, shop: Instance) -> None:
    pool = app.extensions["redis"].connection_pool
    pool.reset()  # what is open would still be used
    pool.connection_kwargs["path"] = "/nowhere/redis.sock"
    page = alices.get("/ui/system")
    assert "Redis не отвечает" in words(page, "[aria-labelledby=queues]")
    assert "Не подключён 1" in words(page, "[aria-labelledby=instances]")


def test_it_is_asked_for_anew_without_the_page_around_it(alices: Browser) -> None:
    poll = str(only(alices.get("/ui/system"), "#system")["hx-get"])
    answer = alices.fragment(poll)
    assert only(answer, "#system")["hx-get"] == poll
    assert not soup(answer).select("nav")


def test_it_costs_a_few_queries(app: Flask, alices: Browser) -> None:
    with app.app_context():
        for _ in range(4):
            factories.host()
    alices.get("/ui/system")
    with app.app_context(), selects() as asked:
        alices.get("/ui/system")
    assert len(asked) <= 9


def test_only_administrators_see_it_in_the_menu(alices: Browser, bobs: Browser) -> None:
    assert soup(alices.get("/ui/instances")).select("nav.rail a[href='/ui/system']")
    assert not soup(bobs.get("/ui/instances")).select("nav.rail a[href='/ui/system']")
    assert bobs.get("/ui/system").status_code == 403
