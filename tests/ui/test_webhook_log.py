"""The one log of all webhooks, without scripts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.models import Delivery, Endpoint, Instance
from tests import factories
from tests.queries import selects
from tests.ui.browser import Browser, filled_form, only, soup, words

LOG = "/ui/webhooks/log"
MORNING = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)


@pytest.fixture
def own(app: Flask, shop: Instance) -> Endpoint:
    """A webhook of the shop's."""
    with app.app_context():
        return factories.endpoint(shop, url="https://shop.example/own")


@pytest.fixture
def everywhere(app: Flask, shop: Instance) -> Endpoint:
    """A webhook that is told of all instances."""
    with app.app_context():
        return factories.endpoint(shop, url="https://all.example/", instance_id=None)


@pytest.fixture
def told(app: Flask, shop: Instance, own: Endpoint, everywhere: Endpoint) -> list[str]:
    """Ids: one failed at each webhook, half an hour apart, and one that arrived."""
    with app.app_context():
        first = factories.delivery(own, status="failed", created_at=MORNING)
        second = factories.delivery(
            everywhere,
            instance_id=shop.id,
            status="failed",
            event="message_sent",
            created_at=MORNING + timedelta(minutes=30),
        )
        third = factories.delivery(own, created_at=MORNING + timedelta(hours=1))
        return [first.id, second.id, third.id]


def shown(page) -> list[str]:
    links = soup(page).select("#deliveries tbody th a")
    return [str(link["href"]).rsplit("/", 1)[1] for link in links]


def statuses(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Delivery.status).order_by(Delivery.id)))


def test_one_log_has_the_deliveries_of_all_webhooks(bobs: Browser, told: list[str]) -> None:
    assert only(bobs.get("/ui/webhooks"), "#log")["href"] == LOG
    page = bobs.get(LOG)
    assert shown(page) == told[::-1]
    assert "https://all.example/ Shop" in words(page, "tbody")


def test_the_log_is_that_of_an_instance_from_its_page(
    bobs: Browser, shop: Instance, told: list[str]
) -> None:
    path = str(only(bobs.get(f"/ui/instances/{shop.id}/webhooks"), "#log")["href"])
    assert path == f"{LOG}?instance={shop.id}"
    assert shown(bobs.get(path)) == told[::-1]


@pytest.mark.parametrize(
    ("typed", "places"),
    [
        ("status=failed", [1, 0]),
        ("event=message_sent", [1]),
        ("webhook=OWN", [2, 0]),
        ("webhook=OWN&status=failed", [0]),
        ("from=2026-03-01T11:00", [2, 1]),
        ("to=2026-03-01T11:00", [1, 0]),
        ("from=2026-03-01T10:31&to=2026-03-01T11:29", [1]),
    ],
)
def test_the_log_is_narrowed_and_times_are_those_of_the_reader(
    bobs: Browser, own: Endpoint, told: list[str], typed: str, places: list[int]
) -> None:
    bobs.client.set_cookie("timezone", "Europe/Moscow")  # three hours ahead
    page = bobs.get(f"{LOG}?{typed.replace('OWN', own.id)}")
    assert shown(page) == [told[place] for place in places]
    assert "Europe/Moscow" in words(page, "#zone")


def test_what_was_typed_stays_in_the_form(bobs: Browser, own: Endpoint, told) -> None:
    typed = {"webhook": own.id, "event": "message_sent", "from": "2026-03-01T11:00"}
    page = bobs.get(LOG, query_string=typed | {"status": "failed"})
    assert filled_form(page, ".log-filter") == typed | {
        "status": "failed",
        "instance": "",
        "to": "",
    }


def test_what_is_no_time_is_said_beside_its_field_and_nothing_is_sent(
    app: Flask, bobs: Browser, told: list[str]
) -> None:
    page = bobs.get(f"{LOG}?to=tomorrow")
    assert page.status_code == 422
    assert only(page, "#to-error")
    assert shown(page) == []
    assert bobs.post(f"{LOG}/replay", {"to": "tomorrow"}).status_code == 422
    assert "pending" not in statuses(app)


def test_a_range_is_sent_again_after_a_question_that_says_what_had_arrived(
    app: Flask, bobs: Browser, told: list[str]
) -> None:
    bobs.client.set_cookie("timezone", "Europe/Moscow")
    page = bobs.get(f"{LOG}?from=2026-03-01T11:00")
    asked = bobs.get(str(only(page, "#replay-shown")["href"]))
    assert "2 события отправятся ещё раз" in words(asked, "#replay-all")
    assert "1 из них уже доставлено" in words(asked, "#replay-all")
    answer = bobs.post(f"{LOG}/replay", filled_form(asked, "#replay-all"))
    assert answer.location == f"{LOG}?from=2026-03-01T11:00"
    assert statuses(app) == ["failed", "pending", "pending"]


def test_all_that_failed_at_all_webhooks_is_sent_again(
    app: Flask, bobs: Browser, told: list[str]
) -> None:
    page = bobs.get(LOG)
    assert not soup(page).select("#replay-shown")
    asked = bobs.get(str(only(page, "#replay-failed")["href"]))
    bobs.post(f"{LOG}/replay", filled_form(asked, "#replay-all"))
    assert statuses(app) == ["pending", "pending", "delivered"]


def test_nobody_sees_or_sends_what_is_somebody_elses(
    app: Flask, charlies: Browser, shop: Instance, own: Endpoint, told: list[str]
) -> None:
    assert shown(charlies.get(LOG)) == []
    for theirs in ({"webhook": own.id}, {"instance": shop.id}):
        assert charlies.get(LOG, query_string=theirs).status_code == 404
        assert charlies.post(f"{LOG}/replay", theirs).status_code == 404
    charlies.post(f"{LOG}/replay", {})
    assert "pending" not in statuses(app)


def test_a_page_takes_as_many_queries_however_many_deliveries_there_are(
    app: Flask, bobs: Browser, own: Endpoint, told: list[str]
) -> None:
    def queries() -> int:
        with app.app_context(), selects() as asked:
            assert bobs.get(LOG).status_code == 200
        return len(asked)

    few = queries()
    with app.app_context():
        for _ in range(30):
            factories.delivery(own, status="failed")
    assert queries() == few


def test_each_card_tells_how_its_webhook_does(
    app: Flask, bobs: Browser, shop: Instance, own: Endpoint, told: list[str]
) -> None:
    with app.app_context():
        factories.endpoint(
            shop, url="https://third.example/", last_error="500", last_error_at=utcnow()
        )
    cards = {str(card["id"]): card for card in soup(bobs.get("/ui/webhooks")).select(".card")}
    assert "50% из последних 2" in cards[f"webhook-{own.id}"].get_text()
