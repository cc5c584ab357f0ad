"""The list of instances: live, filtered, counted, as cards or as a table."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app import bell, topics
from app.clock import utcnow
from app.core.states import InstanceState
from app.models import Instance, User
from app.services import chats
from app.transaction import transaction
from tests import factories
from tests.queries import selects
from tests.ui.browser import Browser, only, soup, words

MOST_BYTES = 100_000
"""Of a page of the list, beside its styles and scripts; nothing compresses pages on their way."""


def many(app: Flask, owner: User, count: int) -> None:
    """So many linked instances, in turn connected and failed."""
    with app.app_context():
        for number in range(count):
            state = "failed" if number % 2 else "connected"
            one = factories.instance(owner, name=f"Instance {number:03}", state=state)
            account = factories.linked_account(one, phone=f"4917{number:07}")
            factories.chat(account, unread=number)


def names(browser: Browser, query: str = "") -> list[str]:
    page = soup(browser.get(f"/ui/instances{query}"))
    return [link.get_text(strip=True) for link in page.select("#instances a[id^=name-]")]


def trouble(app: Flask, instance: Instance, **values: object) -> None:
    with app.app_context(), transaction() as session:
        row = session.get_one(Instance, instance.id)
        for name, value in values.items():
            setattr(row, name, value)


def test_the_list_shows_state_number_name_and_what_waits(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    with app.app_context():
        account = factories.linked_account(shop, phone="79161234567", push_name="Цветы")
        factories.chat(account, unread=2)
        factories.chat(account, unread=3)
        with transaction() as session:
            session.get_one(Instance, shop.id).state = InstanceState.CONNECTED
    line = words(bobs.get("/ui/instances"), f"#instance-{shop.id}")
    for part in ("Shop", "Подключено", "+7 916 123-45-67", "Цветы", "5 непрочитанных"):
        assert part in line


def test_the_list_has_the_quick_actions_of_the_specification(bobs: Browser, shop: Instance) -> None:
    actions = words(bobs.get("/ui/instances"), f"#instance-{shop.id} .actions")
    assert actions == "Детали Чат Изменить Ещё об инстансе «Shop» Контакты Удалить"


def test_an_empty_list_says_what_to_do(bobs: Browser) -> None:
    page = bobs.get("/ui/instances")
    assert "Инстансов пока нет" in words(page)
    assert words(page, "a.primary") == "Создать новый инстанс"


def test_the_list_answers_a_poll_with_204_until_something_changes(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    poll = only(bobs.get("/ui/instances"), "#instances")["hx-get"]
    assert bobs.fragment(str(poll)).status_code == 204
    with app.app_context(), transaction():
        bell.changed(topics.instances_of(bob.id))
    answer = bobs.fragment(str(poll))
    assert answer.status_code == 200
    assert only(answer, "#instances")["hx-get"] != poll


def test_a_message_that_arrives_is_news_for_the_list(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    with app.app_context():
        chat = factories.chat(factories.linked_account(shop))
    poll = str(only(bobs.get("/ui/instances"), "#instances")["hx-get"])
    with app.app_context(), transaction() as session:
        row = session.merge(chat)
        chats.touch(row, text="Hi", at=row.last_at, unread=1)
    assert "1 непрочитанное" in words(bobs.fragment(poll), f"#instance-{shop.id}")


def test_a_trouble_that_lasts_is_told_with_its_beginning(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    since = utcnow() - timedelta(minutes=3)
    facts = {"problem": "network_unreachable", "problem_since": since}
    trouble(app, shop, state=InstanceState.DISCONNECTED, **facts)
    line = words(bobs.get("/ui/instances"), f"#instance-{shop.id} .trouble")
    assert line == "Сервер WhatsApp недоступен: началось 3 мин. назад"


def test_a_trouble_that_is_over_is_told_for_a_day(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    now = utcnow()
    facts = {"problem": "connection_lost", "problem_since": now - timedelta(hours=30)}
    trouble(app, shop, state="connected", problem_until=now - timedelta(hours=2), **facts)
    line = words(bobs.get("/ui/instances"), f"#instance-{shop.id} .trouble")
    assert line == "Связь с WhatsApp прервалась: закончилось 2 ч назад"
    trouble(app, shop, problem_until=now - timedelta(hours=25))
    assert not soup(bobs.get("/ui/instances")).select(".trouble")


def test_the_address_filters_searches_and_sorts(app: Flask, bobs: Browser, bob: User) -> None:
    many(app, bob, 4)
    assert names(bobs, "?state=failed") == ["Instance 001", "Instance 003"]
    assert names(bobs, "?q=002") == ["Instance 002"]
    assert names(bobs, "?sort=unread")[0] == "Instance 003"
    assert len(names(bobs, "?state=nonsense&sort=nonsense&page=nonsense")) == 4


def test_a_counter_leads_to_its_state_and_keeps_the_rest(
    app: Flask, bobs: Browser, bob: User
) -> None:
    many(app, bob, 4)
    page = bobs.get("/ui/instances?q=instance&sort=unread")
    failed = only(page, "#state-failed")
    assert failed["href"] == "/ui/instances?q=instance&state=failed&sort=unread"
    assert words(page, "#state-failed").endswith("2")
    assert words(page, "#state-all").endswith("4")


def test_a_filter_becomes_the_address_and_a_poll_does_not(
    app: Flask, bobs: Browser, bob: User
) -> None:
    many(app, bob, 2)
    answer = bobs.fragment("/ui/instances/list?q=001&state=failed")
    assert answer.headers["HX-Replace-Url"] == "/ui/instances?q=001&state=failed"
    poll = str(only(answer, "#instances")["hx-get"])
    with app.app_context(), transaction():
        bell.changed(topics.instances_of(bob.id))
    again = bobs.fragment(poll)
    assert "HX-Replace-Url" not in again.headers
    assert len(soup(again).select("[data-row]")) == 1


def test_a_filter_that_nothing_fits_shows_the_way_back(bobs: Browser, shop: Instance) -> None:
    page = bobs.get("/ui/instances?q=nothing")
    assert only(page, "#show-all")["href"] == "/ui/instances"


@pytest.mark.parametrize(("count", "table"), [(12, False), (13, True)])
def test_a_dozen_are_cards_and_more_a_table(
    app: Flask, bobs: Browser, bob: User, count: int, table: bool
) -> None:
    many(app, bob, count)
    assert bool(soup(bobs.get("/ui/instances")).select("table")) is table


def test_a_chosen_view_is_remembered(bobs: Browser, shop: Instance) -> None:
    assert soup(bobs.get("/ui/instances?view=table")).select("table")
    assert soup(bobs.get("/ui/instances")).select("table")
    assert not soup(bobs.get("/ui/instances?view=cards")).select("table")
    assert not soup(bobs.get("/ui/instances")).select("table")


def test_two_hundred_are_shown_page_by_page_in_few_queries_and_bytes(
    app: Flask, bobs: Browser, bob: User
) -> None:
    many(app, bob, 200)
    with app.app_context(), selects() as asked:
        page = bobs.get("/ui/instances")
    assert len(asked) <= 4, asked
    assert len(soup(page).select("[data-row]")) == 25
    assert len(page.data) < MOST_BYTES
    assert only(page, "#page-next")["href"] == "/ui/instances?page=2"
    assert names(bobs, "?page=8")[-1] == "Instance 199"
