"""Forged requests, headers, and what belongs to somebody else; tests/test_every_route.py walks
every route."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import event

from app.core.states import InstanceState
from app.extensions import db
from app.models import Chat, Instance
from app.transaction import transaction
from tests import factories
from tests.factories import PASSWORD
from tests.ui.browser import Browser, only, words

MESSAGE_ID = "msg_of_maria"


@pytest.fixture
def maria(app: Flask, shop: Instance) -> Chat:
    """A chat of Bob's."""
    with app.app_context():
        with transaction() as session:
            session.get_one(Instance, shop.id).state = InstanceState.CONNECTED
        chat = factories.chat(factories.linked_account(shop), unread=2)
        factories.message(chat, id=MESSAGE_ID, direction="out", status="unconfirmed")
        return chat


def test_a_chat_of_ones_own_instance_cannot_be_reached_through_another(
    app: Flask, charlies: Browser, charlie: object, maria: Chat
) -> None:
    with app.app_context():
        own = factories.instance(charlie)  # type: ignore[arg-type]
    answer = charlies.get(f"/ui/instances/{own.id}/chat/{maria.id}")
    assert answer.status_code == 404


def test_a_poll_of_somebody_elses_version_is_not_answered(
    bobs: Browser, charlies: Browser, maria: Chat
) -> None:
    poll = str(only(bobs.get(f"/ui/instances/{maria.instance_id}"), "#state")["hx-get"])
    assert bobs.fragment(poll).status_code == 204
    stale = re.sub(r"v=\d+", "v=1", poll)
    assert charlies.fragment(stale).status_code == 404


def test_a_missing_token_comes_back_as_an_alert_with_a_way_to_reload(
    bobs: Browser, maria: Chat
) -> None:
    path = f"/ui/instances/{maria.instance_id}/reconnect"
    answer = bobs.client.post(path, headers=bobs.headers | {"HX-Request": "true"})
    assert answer.status_code == 419
    assert answer.headers["HX-Retarget"] == "#alerts"
    assert words(answer, "[role=alert] a") == "Обновить страницу"


def test_the_token_of_another_session_is_refused(bobs: Browser, charlies: Browser) -> None:
    answer = bobs.client.post(
        "/logout", data={"csrf_token": charlies.csrf_token()}, headers=bobs.headers
    )
    assert answer.status_code == 419


def test_the_token_may_come_in_the_header_that_htmx_sends(bobs: Browser) -> None:
    headers = bobs.headers | {"X-CSRFToken": bobs.csrf_token(), "HX-Request": "true"}
    answer = bobs.client.post("/ui/instances/new", data={"name": ""}, headers=headers)
    assert answer.status_code == 422


def test_signing_in_itself_needs_a_token(anybody: Browser, bob: object) -> None:
    answer = anybody.client.post("/login", data={"email": "bob@example.com", "password": PASSWORD})
    assert answer.status_code == 419


@pytest.mark.parametrize("path", ["/login", "/ui/instances", "/health", "/no-such-page"])
def test_every_answer_carries_the_headers_of_a_strict_house(bobs: Browser, path: str) -> None:
    headers = bobs.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_pages_are_not_kept_by_the_browser(bobs: Browser) -> None:
    assert bobs.get("/ui/profile").headers["Cache-Control"] == "no-store"


def test_cookies_are_for_this_site_and_not_for_scripts(app: Flask, bob: object) -> None:
    browser = Browser(app.test_client())
    typed = {"email": "bob@example.com", "password": PASSWORD, "remember": "y"}
    for cookie in browser.post("/login", typed).headers.getlist("Set-Cookie"):
        assert "HttpOnly" in cookie, cookie
        assert "SameSite=Lax" in cookie, cookie


def test_a_poll_without_news_asks_the_database_nothing(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    page = f"/ui/instances/{maria.instance_id}"
    polls = [
        str(only(bobs.get(path), selector)["hx-get"])
        for path, selector in (
            (f"{page}/chat/{maria.id}", "#news"),
            (f"{page}/chat/{maria.id}", "#lines-news"),
            (page, "#state"),
            (page, "#about"),
            (page, "#recent"),
            (f"{page}/journal", "#journal"),
            (f"{page}/queue", "#queue"),
            ("/ui/instances", "#instances"),
        )
    ]
    asked: list[str] = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert [bobs.fragment(poll).status_code for poll in polls] == [204] * len(polls)
    assert asked == []
