"""The pages of webhooks, without scripts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.extensions import db
from app.models import Endpoint, Instance
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
