"""The pages of webhooks, without scripts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.models import Attempt, Delivery, Endpoint, Instance
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, filled_form, only, soup, words

URL = "https://shop.example/hook"
NEW = {
    "instance_id": "",
    "webhook_url": URL,
    "enabled": "y",
    "events": ["message_sent"],
    "max_retries": "2",
    "retry_interval": "7",
    "max_retry_interval": "600",
    "timeout": "5",
    "verify_tls": "y",
    "headers": "X-Key: hush",
}


@pytest.fixture
def webhook(app: Flask, shop: Instance) -> Endpoint:
    """A webhook of the shop's."""
    with app.app_context():
        return factories.endpoint(shop, url=URL)


def endpoints(app: Flask) -> list[Endpoint]:
    with app.app_context():
        return list(db.session.scalars(select(Endpoint)))


def test_a_webhook_for_all_instances_is_set_up_in_the_browser(app: Flask, bobs: Browser, bob):
    answer = bobs.post("/ui/webhooks/new", NEW)
    assert (answer.status_code, answer.location) == (303, "/ui/webhooks")
    [made] = endpoints(app)
    assert (made.owner_id, made.instance_id, made.events) == (bob.id, None, ["message_sent"])
    assert (made.retry_interval_ms, made.max_interval_ms) == (7_000, 600_000)
    assert (made.max_retries, made.timeout_ms, made.headers) == (2, 5000, {"X-Key": "hush"})
    assert "Все инстансы" in words(bobs.get("/ui/webhooks"))


def test_a_second_webhook_of_an_instance_stands_beside_the_first(bobs: Browser, shop, webhook):
    bobs.post("/ui/webhooks/new", NEW | {"instance_id": shop.id, "webhook_url": f"{URL}/2"})
    page = bobs.get(f"/ui/instances/{shop.id}/webhooks")
    assert [h.get_text() for h in soup(page).select("main h2.address")] == [URL, f"{URL}/2"]


def test_the_form_chooses_the_instance_it_was_opened_from(bobs: Browser, shop):
    page = bobs.get(f"/ui/webhooks/new?instance={shop.id}")
    assert only(page, "#instance_id option[selected]")["value"] == shop.id


def test_a_webhook_is_not_set_up_for_somebody_elses_instance(app: Flask, charlies: Browser, shop):
    answer = charlies.post("/ui/webhooks/new", NEW | {"instance_id": shop.id})
    assert answer.status_code == 422
    assert soup(answer).select("#instance_id-error")
    assert endpoints(app) == []


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"webhook_url": "ftp://shop.example"}, "webhook_url"),
        ({"timeout": "31"}, "timeout"),
        ({"timeout": "soon"}, "timeout"),
        ({"max_retry_interval": "3"}, "max_retry_interval"),
        ({"headers": "no colon"}, "headers"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(bobs: Browser, typed, field):
    answer = bobs.post("/ui/webhooks/new", NEW | typed)
    assert answer.status_code == 422
    assert only(answer, f"#{field}-error")
    assert filled_form(answer, "main form")[field] == typed[field]
    assert only(answer, "#delivery").has_attr("open") or field == "webhook_url"


def test_saving_an_untouched_form_changes_nothing(app: Flask, bobs: Browser, webhook: Endpoint):
    path = f"/ui/webhooks/{webhook.id}/edit"
    assert bobs.post(path, filled_form(bobs.get(path), "main form")).status_code == 303
    [after] = endpoints(app)
    for name in ("url", "events", "secret", "headers", "enabled", "max_interval_ms", "instance_id"):
        assert getattr(after, name) == getattr(webhook, name)


def test_a_webhook_is_switched_off(app: Flask, bobs: Browser, webhook: Endpoint):
    path = f"/ui/webhooks/{webhook.id}/edit"
    values = filled_form(bobs.get(path), "main form")
    del values["enabled"]
    bobs.post(path, values)
    assert [one.enabled for one in endpoints(app)] == [False]
    assert "Выключен" in words(bobs.get("/ui/webhooks"))


def test_a_webhook_is_deleted_after_a_question(app: Flask, bobs: Browser, webhook: Endpoint):
    path = f"/ui/webhooks/{webhook.id}/delete"
    assert URL in words(bobs.get(path))
    assert bobs.post(path).status_code == 303
    assert endpoints(app) == []


def test_who_has_none_is_told_what_a_webhook_is_for(charlies: Browser):
    assert "сообщает" in words(charlies.get("/ui/webhooks"))


def test_a_replaced_secret_is_named_until_it_is_ended(app: Flask, bobs: Browser, webhook: Endpoint):
    path = f"/ui/webhooks/{webhook.id}/edit"
    values = filled_form(bobs.get(path), "main form") | {"webhook_secret": "another secret"}
    bobs.post(path, values)
    assert only(bobs.get(path), "#forget-former")
    bobs.post(f"/ui/webhooks/{webhook.id}/forget-former-secret")
    assert not soup(bobs.get(path)).select("#forget-former")
    assert [one.secret for one in endpoints(app)] == ["another secret"]


def test_a_paused_webhook_says_so_and_can_be_tried(app: Flask, bobs: Browser, webhook: Endpoint):
    assert "Приостановлен" not in words(bobs.get("/ui/webhooks"))
    with app.app_context(), transaction() as session:
        row = session.get_one(Endpoint, webhook.id)
        row.broken_since, row.failures_in_row = utcnow(), 10
        row.probe_at = utcnow() + timedelta(hours=1)
    assert "Приостановлен" in words(bobs.get("/ui/webhooks"))
    assert bobs.post(f"/ui/webhooks/{webhook.id}/probe").status_code == 303
    assert [one.probe_at <= utcnow() for one in endpoints(app)] == [True]


def log_of(webhook: Endpoint, rest: str = "") -> str:
    return f"/ui/webhooks/{webhook.id}/log{rest}"


@pytest.fixture
def failed(app: Flask, webhook: Endpoint) -> str:
    """The id of what was given up after the receiver had answered with an error page."""
    with app.app_context():
        body = '{"event": "message_received", "data": {"body": "<b>Привет</b>"}}'
        delivery_id = factories.delivery(webhook, status="failed", body=body.encode()).id
        values = {"started_at": utcnow(), "duration_ms": 42, "status_code": 500, "number": 1}
        answer = "<script>alert(1)</script> shared secret"
        with transaction() as session:
            session.add(Attempt(id="att_1", delivery_id=delivery_id, answer=answer, **values))
        return delivery_id


def test_the_log_shows_what_was_sent_and_what_came_back(
    bobs: Browser, webhook: Endpoint, failed: str
) -> None:
    assert only(bobs.get("/ui/webhooks"), f"#log-{webhook.id}")["href"] == log_of(webhook)
    page = bobs.get(log_of(webhook))
    row = words(page, "tbody tr")
    for part in ("message_received", "Не доставлено", "500", "42 мс"):
        assert part in row
    assert "0% из последних 1" in words(page, ".facts")


def test_the_log_is_narrowed_by_result_and_event(
    app: Flask, bobs: Browser, webhook: Endpoint, failed: str
) -> None:
    with app.app_context():
        factories.delivery(webhook, event="message_sent")
    assert len(soup(bobs.get(log_of(webhook))).select("tbody tr")) == 2
    assert "message_received" in words(bobs.get(log_of(webhook, "?status=failed")), "tbody")
    assert "message_sent" in words(bobs.get(log_of(webhook, "?event=message_sent")), "tbody")
    nothing = log_of(webhook, "?status=failed&event=message_sent")
    assert "Здесь пусто" in words(bobs.get(nothing))


def test_a_delivery_shows_its_body_and_answers_as_text_and_no_secret(
    bobs: Browser, webhook: Endpoint, failed: str
) -> None:
    page = bobs.get(log_of(webhook, f"/{failed}"))
    assert '"body": "<b>Привет</b>"' in only(page, "#sent").get_text()
    assert only(page, "#att_1").get_text() == "<script>alert(1)</script> ••••••"
    assert "shared secret" not in page.text


def test_a_failed_delivery_is_sent_again_from_its_page(
    app: Flask, bobs: Browser, webhook: Endpoint, failed: str
) -> None:
    place = log_of(webhook, f"/{failed}")
    answer = bobs.post(f"{place}/replay")
    assert (answer.status_code, answer.location) == (303, place)
    assert "Отправляется ещё раз." in words(bobs.get(place), "body")
    bobs.post(f"{place}/replay")
    assert "уже ждёт отправки" in words(bobs.get(place), "body")


def test_all_failed_deliveries_are_sent_again_after_a_question(
    app: Flask, bobs: Browser, webhook: Endpoint, failed: str
) -> None:
    ask = str(only(bobs.get(log_of(webhook)), "#replay-failed")["href"])
    form = filled_form(bobs.get(ask), "#replay-all")
    assert "1 событие отправится" in words(bobs.get(ask), "#replay-all")
    answer = bobs.post("/ui/webhooks/log/replay", form)
    assert answer.location == log_of(webhook)
    with app.app_context():
        assert db.session.get_one(Delivery, failed).status == "pending"


def test_a_test_event_leads_to_its_delivery(app: Flask, bobs: Browser, webhook: Endpoint) -> None:
    answer = bobs.post(f"/ui/webhooks/{webhook.id}/test")
    assert words(bobs.get(answer.location), "h1") == "test"


def test_a_webhook_that_is_off_offers_nothing_to_send(app: Flask, bobs: Browser, shop) -> None:
    with app.app_context():
        off = factories.endpoint(shop, url=URL, enabled=False)
        factories.delivery(off, status="failed")
    page = bobs.get(log_of(off))
    assert not soup(page).select("#replay-failed, #test")
    bobs.post(f"/ui/webhooks/{off.id}/test")
    assert "сначала включите его" in words(bobs.get(log_of(off)), "body")
