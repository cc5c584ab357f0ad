"""The page about oneself."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from app.clock import utcnow
from app.core.errors import Unauthorized
from app.extensions import db
from app.models import ApiKey, SignIn, User
from app.services import accounts
from app.transaction import transaction
from tests.factories import PASSWORD
from tests.ui.browser import Browser, only, soup, words

NEW = "another long password"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile Safari/604.1"


@pytest.fixture
def key(app: Flask, bob: User) -> str:
    """Bob's API key."""
    with app.app_context(), transaction():
        return accounts.create_key(bob).key_encrypted


def owner_of(app: Flask, key: str) -> str | None:
    with app.app_context():
        try:
            return accounts.by_key(key).id
        except Unauthorized:
            return None


def test_the_profile_shows_email_name_and_role(bobs: Browser) -> None:
    page = bobs.get("/ui/profile")
    assert "bob@example.com" in words(page)
    assert only(page, "#name")["value"] == "Bob"
    assert "Пользователь" in words(page)


def test_the_key_is_in_no_page_until_it_is_asked_for(bobs: Browser, key: str) -> None:
    assert key not in bobs.get("/ui/profile").text
    answer = bobs.act("/ui/profile/key")
    assert only(answer, "#api-key").text == key
    assert only(answer, "[data-copy='#api-key']")
    assert answer.headers["Cache-Control"] == "no-store"
    assert key not in bobs.act("/ui/profile/key/hide").text


def test_the_key_is_shown_without_scripts_too(bobs: Browser, key: str) -> None:
    answer = bobs.post("/ui/profile/key")
    assert only(answer, "main #api-key").text == key


def test_the_key_cannot_be_asked_for_by_an_address(bobs: Browser, key: str) -> None:
    answer = bobs.get("/ui/profile/key")
    assert answer.status_code == 405
    assert key not in answer.text


def test_the_profile_says_when_there_is_no_key(bobs: Browser) -> None:
    assert "Действующего ключа нет." in words(bobs.get("/ui/profile"))


def test_a_new_key_is_shown_and_the_old_one_works_for_as_long_as_chosen(
    app: Flask, bobs: Browser, bob: User, key: str
) -> None:
    answer = bobs.act("/ui/profile/key/rotate", {"grace": "7d"})
    new = only(answer, "#api-key").text
    assert new != key
    assert "Прежний ключ ещё работает." in words(answer, "#key-card")
    assert [owner_of(app, one) for one in (key, new)] == [bob.id, bob.id]
    with time_machine.travel(utcnow() + timedelta(days=8)):
        assert [owner_of(app, one) for one in (key, new)] == [None, bob.id]


def test_old_keys_can_be_ended_from_the_page(app: Flask, bobs: Browser, key: str) -> None:
    bobs.act("/ui/profile/key/rotate", {"grace": "24h"})
    answer = bobs.act("/ui/profile/key/end-former")
    assert "Прежний ключ ещё работает." not in words(answer, "#key-card")
    assert owner_of(app, key) is None


def test_a_grace_there_is_not_changes_nothing(app: Flask, bobs: Browser, key: str) -> None:
    answer = bobs.act("/ui/profile/key/rotate", {"grace": "forever"})
    assert answer.status_code == 422
    assert only(answer, "#grace-error")
    assert owner_of(app, key) is not None


def test_the_name_can_be_changed(bobs: Browser) -> None:
    assert bobs.post("/ui/profile/name", {"name": "Роберт"}).location == "/ui/profile"
    assert only(bobs.get("/ui/profile"), "#name")["value"] == "Роберт"


def test_a_name_that_is_too_long_stays_in_its_field(bobs: Browser) -> None:
    answer = bobs.post("/ui/profile/name", {"name": "я" * 101})
    assert answer.status_code == 422
    assert only(answer, "#name")["value"] == "я" * 101
    assert only(answer, "#name-error")


def test_language_and_theme_go_with_the_person(app: Flask, bobs: Browser, bob: User) -> None:
    bobs.post("/ui/profile/preferences", {"language": "en", "theme": "dark"})
    elsewhere = Browser(app.test_client()).sign_in(bob)
    html = only(elsewhere.get("/ui/profile"), "html")
    assert (html["lang"], html["data-theme"]) == ("en", "dark")


def test_a_theme_left_to_the_system_is_so_again(bobs: Browser) -> None:
    bobs.post("/ui/profile/preferences", {"language": "ru", "theme": "dark"})
    bobs.post("/ui/profile/preferences", {"language": "ru", "theme": "system"})
    assert "data-theme" not in only(bobs.get("/ui/profile"), "html").attrs


def test_a_new_password_signs_every_other_browser_out(app: Flask, bobs: Browser, bob: User) -> None:
    other = Browser(app.test_client()).sign_in(bob)
    values = {"current_password": PASSWORD, "new_password": NEW}
    assert bobs.post("/ui/profile/password", values).location == "/ui/profile"
    assert bobs.get("/ui/profile").status_code == 200
    assert other.get("/ui/profile").status_code == 303
    fresh = Browser(app.test_client())
    assert fresh.post("/login", {"email": bob.email, "password": NEW}).status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("wrong", NEW, "current_password"), (PASSWORD, "short", "new_password")],
)
def test_a_refused_password_is_named_beside_its_field(
    bobs: Browser, current: str, new: str, field: str
) -> None:
    values = {"current_password": current, "new_password": new}
    answer = bobs.post("/ui/profile/password", values)
    assert answer.status_code == 422
    assert only(answer, f"#{field}-error")


def test_guessing_the_present_password_has_to_wait(bobs: Browser) -> None:
    values = {"current_password": "wrong", "new_password": NEW}
    answers = [bobs.post("/ui/profile/password", values) for _ in range(11)]
    assert answers[-1].status_code == 429
    assert "Повторите через" in words(answers[-1], "#password-form")


def test_browsers_are_shown_with_device_and_address_and_this_one_is_named(
    app: Flask, bobs: Browser, bob: User
) -> None:
    Browser(app.test_client(), {"User-Agent": IPHONE, "Accept-Language": "ru"}).sign_in(bob)
    page = bobs.get("/ui/profile")
    shown = [" ".join(line.get_text(" ").split()) for line in soup(page).select(".sign-ins li")]
    assert len(shown) == 2
    assert any("Safari, iPhone" in line and "127.0.0.1" in line for line in shown)
    assert sum("этот браузер" in line for line in shown) == 1


def test_one_browser_can_be_signed_out_from_another(app: Flask, bobs: Browser, bob: User) -> None:
    other = Browser(app.test_client()).sign_in(bob)
    [form] = soup(bobs.get("/ui/profile")).select(".sign-ins form")
    assert bobs.post(str(form["action"])).location == "/ui/profile"
    assert other.get("/ui/profile").status_code == 303
    assert bobs.get("/ui/profile").status_code == 200


def test_all_others_can_be_signed_out(app: Flask, bobs: Browser, bob: User) -> None:
    others = [Browser(app.test_client()).sign_in(bob) for _ in range(2)]
    bobs.post("/ui/profile/sign-ins/end-others")
    assert [one.get("/ui/profile").status_code for one in [bobs, *others]] == [200, 303, 303]


def test_signing_out_everywhere_signs_this_browser_out_too(
    app: Flask, bobs: Browser, bob: User
) -> None:
    other = Browser(app.test_client()).sign_in(bob)
    assert bobs.post("/logout/everywhere").location == "/login"
    assert [one.get("/ui/profile").status_code for one in (bobs, other)] == [303, 303]


def test_a_browser_that_comes_back_later_is_noted(app: Flask, bobs: Browser, bob: User) -> None:
    long_ago = utcnow() - timedelta(minutes=10)
    with app.app_context(), transaction() as session:
        session.execute(update(SignIn).values(seen_at=long_ago))
    bobs.get("/ui/profile")
    with app.app_context():
        assert db.session.scalars(select(SignIn.seen_at)).one() > long_ago


def test_the_key_shows_when_it_was_used_last(app: Flask, bobs: Browser, key: str) -> None:
    assert "никогда" in words(bobs.get("/ui/profile"), "#key-card")
    app.test_client().get("/api/auth/me", headers={"X-API-Key": key})
    with app.app_context():
        assert db.session.scalars(select(ApiKey.last_used_at)).one() is not None
    assert "только что" in words(bobs.get("/ui/profile"), "#key-card")
