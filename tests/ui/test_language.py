"""Russian and English, by browser or by choice."""

from __future__ import annotations

import pytest
from flask import Flask

from app.models import User
from app.transaction import transaction
from tests.factories import PASSWORD
from tests.ui.browser import Browser, only, words


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("ru", "ru"), ("en-GB,en;q=0.9", "en"), ("de,fr;q=0.8", "ru"), ("de,en;q=0.5", "en")],
)
def test_the_browser_says_which_language(anybody: Browser, accepted: str, language: str) -> None:
    page = anybody.get("/login", headers={"Accept-Language": accepted})
    assert only(page, "html")["lang"] == language


def test_a_choice_wins_over_the_browser_and_comes_back_to_the_page(anybody: Browser) -> None:
    answer = anybody.post("/language", {"language": "en", "next": "/login?by=key"})
    assert (answer.status_code, answer.location) == (303, "/login?by=key")
    assert only(anybody.get("/login"), "html")["lang"] == "en"


def test_a_choice_is_remembered_for_the_person_on_another_device(
    app: Flask, bobs: Browser, bob: User
) -> None:
    bobs.post("/language", {"language": "en"})
    elsewhere = Browser(app.test_client())
    elsewhere.post("/login", {"email": bob.email, "password": PASSWORD})
    assert words(elsewhere.get("/ui/instances"), "h1") == "Instances"


def test_a_language_there_is_not_changes_nothing(app: Flask, bobs: Browser, bob: User) -> None:
    assert bobs.post("/language", {"language": "tlh"}).status_code == 422
    with app.app_context(), transaction() as session:
        assert session.get_one(User, bob.id).language is None


def test_times_are_shown_in_the_readers_zone(app: Flask, bobs: Browser, bob: User) -> None:
    from datetime import UTC, datetime

    with app.app_context(), transaction() as session:
        session.get_one(User, bob.id).created_at = datetime(2025, 12, 31, 22, 30, tzinfo=UTC)
    bobs.client.set_cookie("timezone", "Europe/Moscow")
    assert "1 января" in words(bobs.get("/ui/profile"))
    bobs.client.set_cookie("timezone", "No/Where")
    assert "31 декабря 2025" in words(bobs.get("/ui/profile"))
