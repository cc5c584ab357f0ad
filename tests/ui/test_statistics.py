"""The page of statistics: its totals, its periods, its table, and files of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from app.models import CHAT_USAGE
from app.services import counting, usage_rows
from app.services.counting import Counted
from app.services.usage_rows import Subject
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, soup

NOW = datetime(2026, 3, 30, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
HTMX = {"HX-Request": "true", "Accept-Language": "en"}


@pytest.fixture(autouse=True)
def that_day():
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def count(app, bob):
    """Counts something of an instance of bob's, or of none."""

    def add(counter, number, at=NOW, instance=None):
        with app.app_context(), transaction():
            mine = instance.id if instance else ""
            counting.count(Counted(counter, at, mine, bob.id, number=number))

    return add


def shown(browser: Browser, address="/ui/statistics", language="en"):
    """The page in English."""
    return soup(browser.get(address, headers={"Accept-Language": language}))


def tiles(page) -> dict[str, tuple[str, str]]:
    """What each total is, and how it has changed."""
    found = {}
    for tile in page.select(".tile"):
        change = tile.select_one(".tile-change")
        label, number = tile.select_one(".tile-label").text, tile.select_one(".tile-number").text
        found[label] = (number, change.text.strip() if change else "")
    return found


def table(page, name="#instances-table") -> list[list[str]]:
    rows = page.select(f"{name} tbody tr")
    return [[" ".join(cell.text.split()) for cell in row.select("th, td")] for row in rows]


def test_the_totals_are_named_as_the_specification_names_them(bobs, shop, count):
    count("sent", 1234, instance=shop)
    count("api_calls", 7)
    page = shown(bobs, language="ru")
    assert page.select_one("h1").text.strip() == "Статистика"
    assert [one.text for one in page.select(".tabs a")] == ["Неделя", "Месяц", "Год", "Все время"]
    assert {label: number.replace("\xa0", " ") for label, (number, _) in tiles(page).items()} == {
        "Всего отправлено сообщений": "1 234",
        "Всего получено сообщений": "0",
        "Отправлено медиафайлов": "0",
        "Получено медиафайлов": "0",
        "API вызовы": "7",
        "Вебхук вызовы": "0",
    }


def test_each_period_counts_what_lies_in_it(bobs, shop, count):
    for days, number in ((0, 1), (8, 10), (40, 100), (500, 1000)):
        count("received", number, NOW - days * DAY, shop)
    sums = {
        period: tiles(shown(bobs, f"/ui/statistics?period={period}"))["Messages received in total"][
            0
        ]
        for period in ("week", "month", "year", "all")
    }
    assert sums == {"week": "1", "month": "11", "year": "111", "all": "1,111"}


def test_a_total_is_compared_with_the_same_time_before(bobs, shop, count):
    count("sent", 3, instance=shop)
    count("sent", 2, NOW - 7 * DAY, shop)
    assert tiles(shown(bobs))["Messages sent in total"] == ("3", "")  # nobody counted till then
    count("sent", 1, NOW - 20 * DAY, shop)
    count("sent", 50, NOW - 7 * DAY + timedelta(hours=2), shop)  # later on that day
    count("received", 1, instance=shop)
    count("api_calls", 1, NOW - 8 * DAY, shop)
    changes = {label: change for label, (_, change) in tiles(shown(bobs)).items()}
    assert changes["Messages sent in total"] == "50% more"
    assert changes["Messages received in total"] == "nothing before"
    assert changes["API calls"] == "100% less"
    assert all(
        change == "" for _, change in tiles(shown(bobs, "/ui/statistics?period=all")).values()
    )


def test_days_begin_at_midnight_of_the_reader(bobs, shop, count):
    count("sent", 1, datetime(2026, 3, 23, 21, 30, tzinfo=UTC), shop)  # the 24th in Moscow
    count("sent", 1, datetime(2026, 3, 23, 20, 30, tzinfo=UTC), shop)
    bobs.client.set_cookie("timezone", "Europe/Moscow")
    page = shown(bobs)
    assert tiles(page)["Messages sent in total"][0] == "1"
    assert page.select(".chart-column")[0]["aria-label"] == (
        "Tuesday, 24 March 2026: 1 sent, 0 received"
    )


def test_instances_stand_in_a_table_with_those_that_were_deleted(bobs, app, bob, shop, count):
    other = factories_instance(app, bob, name="Another")
    count("sent", 2, instance=shop)
    count("received", 1, instance=other)
    count("api_calls", 5)
    bobs.post(f"/ui/instances/{other.id}/delete", {"name": "Another"})
    assert table(shown(bobs)) == [
        ["Shop", "2", "0", "0", "0", "0", "0"],
        ["Another deleted", "0", "1", "0", "0", "0", "0"],
        ["Of no instance", "0", "0", "0", "0", "5", "0"],
    ]


def factories_instance(app, owner, **values):
    with app.app_context():
        return factories.instance(owner, **values)


def test_one_instance_has_statistics_of_its_own(bobs, app, bob, shop, count):
    other = factories_instance(app, bob, name="Another")
    count("sent", 2, instance=shop)
    count("sent", 30, instance=other)
    page = shown(bobs, f"/ui/statistics?instance={shop.id}")
    assert tiles(page)["Messages sent in total"][0] == "2"
    assert page.select("#instances-table") == []


def test_nobody_sees_the_statistics_of_others(charlies, shop, count):
    count("sent", 2, instance=shop)
    assert tiles(shown(charlies))["Messages sent in total"][0] == "0"
    assert charlies.get(f"/ui/statistics?instance={shop.id}").status_code == 404
    assert charlies.get(f"/ui/statistics/busiest?instance={shop.id}").status_code == 404
    assert charlies.get(f"/ui/statistics.csv?instance={shop.id}").status_code == 404


def test_a_chart_is_read_by_keyboard_and_as_a_table(bobs, shop, count):
    count("sent", 3, instance=shop)
    count("received", 4, NOW - DAY, shop)
    page = shown(bobs)
    columns = page.select("#flow .chart-column")
    assert [(one["tabindex"], one["role"]) for one in columns] == [("0", "img")] * 7
    assert columns[-1]["aria-label"] == "Monday, 30 March 2026: 3 sent, 0 received"
    assert table(page, ".chart-table")[5:7] == [
        ["Sunday, 29 March 2026", "0", "4"],
        ["Monday, 30 March 2026", "3", "0"],
    ]


def test_how_well_it_goes_is_told_in_shares_and_times(bobs, shop, count):
    for counter, number in (("sent", 1000), ("delivered", 999), ("read", 250), ("failed", 3)):
        count(counter, number, instance=shop)
    for counter, number in (("webhook_calls", 4), ("webhook_delivered", 3), ("webhook_ms", 90)):
        count(counter, number, instance=shop)
    count("replies_9", 5, instance=shop)  # 180 to 300 seconds
    facts = shown(bobs).select("section[aria-labelledby=quality] dd")
    assert [one.text.strip() for one in facts] == ["99.9%", "25%", "3", "4 min", "75%", "22 ms"]


def test_the_busiest_hour_is_that_of_the_reader(bobs, shop, count):
    count("received", 9, datetime(2026, 3, 29, 6, tzinfo=UTC), shop)
    count("received", 5, datetime(2026, 3, 28, 12, tzinfo=UTC), shop)
    bobs.client.set_cookie("timezone", "Europe/Berlin")  # summer time since the 29th
    part = bobs.get("/ui/statistics/busiest", headers=HTMX)
    assert "Most is written at 8:00–9:00." in part.text


def test_without_scripts_the_busiest_hours_and_chats_are_a_link_away(bobs, shop, count):
    count("sent", 2, instance=shop)
    link = shown(bobs).select_one("#busiest noscript a")["href"]
    assert "busiest=1" in link
    whole = bobs.get(link.partition("#")[0])
    assert soup(whole).select_one("#busiest #busy-title") is not None
    led = bobs.get("/ui/statistics/busiest?period=week")
    assert (led.status_code, "busiest=1" in led.location) == (303, True)


def test_the_busiest_chats_come_after_the_page(bobs, app, bob, shop, account, count):
    with app.app_context():
        chats = [factories.chat(account, name=name) for name in ("Anna", "Boris", "Nobody")]
        with transaction():
            for chat, number in zip(chats, (3, 5), strict=False):
                key = Subject(bob.id, shop.id, chat.id), NOW
                usage_rows.add(CHAT_USAGE, {key: {"sent": 1, "received": number}})
    count("sent", 2, instance=shop)
    address = shown(bobs).select_one("#busiest")["hx-get"]
    part = bobs.fragment(address)
    rows = [one.text.split() for one in soup(part).select("section:last-of-type tbody tr")]
    assert rows == [["Boris", "Shop", "1", "5"], ["Anna", "Shop", "1", "3"]]
    assert bobs.get(address).status_code == 303


def test_the_table_can_be_saved_for_excel(bobs, app, bob, shop, count):
    evil = factories_instance(app, bob, name="=SUM(A1)")
    count("sent", 1234, instance=evil)
    count("api_calls", 2)
    answer = bobs.get("/ui/statistics.csv?period=month", headers={"Accept-Language": "ru"})
    assert answer.headers["Content-Disposition"] == "attachment; filename=statistics-month.csv"
    assert answer.data.decode().splitlines() == [
        "\ufeffИнстанс;Отправлено;Получено;Отправлено медиа;Получено медиа;API вызовы;"
        "Вебхук вызовы;Доставлено;Прочитано;Не отправлено",
        "'=SUM(A1);1234;0;0;0;0;0;0;0;0",
        "Shop;0;0;0;0;0;0;0;0;0",
        "Вне инстансов;0;0;0;0;2;0;0;0;0",
    ]


def test_the_course_can_be_saved_too(bobs, shop, count):
    count("sent", 3, NOW - DAY, instance=shop)
    lines = (
        bobs.get("/ui/statistics.csv?table=steps", headers={"Accept-Language": "en"})
        .data.decode()
        .splitlines()
    )
    assert lines[0] == "\ufeffFrom;Sent;Received"
    assert lines[-2:] == ["2026-03-29;3;0", "2026-03-30;0;0"]


def test_a_newcomer_is_told_what_will_be_here(bobs):
    page = shown(bobs, "/ui/statistics?period=nonsense")
    assert page.select_one(".tabs [aria-current]").text == "Week"
    assert "No instances yet" in page.text
    assert page.select(".chart") == []


def test_all_time_goes_by_years_when_it_is_long(bobs, shop, count):
    count("sent", 1, datetime(2020, 5, 1, tzinfo=UTC), shop)
    columns = shown(bobs, "/ui/statistics?period=all").select("#flow .chart-column")
    assert [one["aria-label"][:4] for one in columns] == [str(year) for year in range(2020, 2027)]
