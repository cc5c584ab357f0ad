"""The bell on every page, and the list behind it."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import bell as app_bell
from app import topics
from app.clock import utcnow
from app.core.notices import NoticeKind
from app.models import Instance, Notice, User
from app.transaction import transaction
from tests import factories
from tests.queries import selects
from tests.ui.browser import Browser, only, soup, words


def about(app: Flask, shop: Instance, bob: User, **overrides: object) -> Notice:
    with app.app_context():
        values = {"kind": NoticeKind.INSTANCE_DOWN, "subject": shop.id, "instance_id": shop.id}
        values["detail"] = {"reason": "network_unreachable"}
        return factories.notice(bob, **values | overrides)


@pytest.mark.parametrize("path", ["/ui/instances", "/ui/profile", "/ui/webhooks", "/ui/journal"])
def test_every_page_has_the_bell(app: Flask, bobs: Browser, bob: User, path: str) -> None:
    assert words(bobs.get(path), "#bell") == "Уведомления"
    with app.app_context():
        factories.notice(bob)
    bell = only(bobs.get(path), "#bell a")
    assert bell["title"] == "1 новое уведомление"
    assert bell["href"] == "/ui/notices"
    assert words(bobs.get(path), ".bell-count") == "1"


def test_the_bell_comes_with_the_sign_in_and_costs_no_query_of_its_own(
    app: Flask, bobs: Browser
) -> None:
    bobs.get("/ui/notices")
    with app.app_context(), selects() as asked:
        bobs.get("/ui/profile")
    [with_notices] = [one for one in asked if "FROM notices" in one]
    assert "FROM sign_ins" in with_notices


def test_the_bell_polls_and_learns_of_what_is_new(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    def poll_of(answer: TestResponse) -> str:
        return str(only(answer, "#bell")["hx-get"])

    poll = poll_of(bobs.fragment(poll_of(bobs.get("/ui/profile"))))
    with app.app_context(), selects() as asked:
        assert bobs.fragment(poll).status_code == 204
    assert asked == []
    about(app, shop, bob)
    with app.app_context(), transaction():
        app_bell.changed(topics.notices_of(bob.id))
    assert words(bobs.fragment(poll), ".bell-count") == "1"


def test_a_notice_says_what_happened_what_to_do_and_leads_there(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    about(app, shop, bob)
    page = bobs.get("/ui/notices")
    shown = words(page, "#notices li")
    assert "Инстанс «Shop» не подключён" in shown
    assert "Сервер WhatsApp недоступен" in shown
    assert only(page, ".notice-acts a")["href"] == f"/ui/instances/{shop.id}"


def test_a_webhook_leads_to_its_log(app: Flask, bobs: Browser, bob: User, shop: Instance) -> None:
    with app.app_context():
        webhook = factories.endpoint(shop, url="https://crm.example/x")
    values = {"subject": webhook.id, "endpoint_id": webhook.id, "detail": {"host": "crm.example"}}
    about(app, shop, bob, kind=NoticeKind.WEBHOOK_PAUSED, **values)
    page = bobs.get("/ui/notices")
    assert "crm.example" in words(page, "#notices h2")
    assert webhook.id in only(page, ".notice-acts a")["href"]


@pytest.mark.parametrize("kind", NoticeKind)
@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_kind_is_told_in_both_languages(
    app: Flask, bobs: Browser, bob: User, shop: Instance, kind: NoticeKind, language: str
) -> None:
    about(app, shop, bob, kind=kind, detail={"host": "crm.example", "free": 700_000_000})
    bobs.headers["Accept-Language"] = language
    page = bobs.get("/ui/notices")
    assert "…" not in words(page, "#notices")
    assert "%(" not in words(page, "#notices")


def test_reading_all_empties_the_bell_and_keeps_the_list(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    about(app, shop, bob)
    assert bobs.post("/ui/notices/read", {}).location == "/ui/notices"
    page = bobs.get("/ui/notices")
    assert not soup(page).select(".bell-count, #read-all")
    assert len(soup(page).select("#notices li")) == 1


def test_a_notice_is_dismissed(app: Flask, bobs: Browser, bob: User, shop: Instance) -> None:
    notice = about(app, shop, bob, since=utcnow())
    answer = bobs.post(f"/ui/notices/{notice.id}/dismiss", {})
    assert (answer.status_code, answer.location) == (303, "/ui/notices")
    assert "Ничего не требует внимания" in words(bobs.get("/ui/notices"))
    assert bobs.post(f"/ui/notices/{notice.id}/dismiss", {}).status_code == 303
    assert bobs.post("/ui/notices/ntc_nothing/dismiss", {}).status_code == 404
