"""Signing in and out, and the first start."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.clock import utcnow
from app.extensions import limiter
from app.models import User
from app.services import accounts
from app.transaction import transaction
from tests.factories import PASSWORD
from tests.ui.browser import Browser, only, words


def key_of(app: Flask, user: User) -> str:
    with app.app_context(), transaction():
        return accounts.create_key(user).key_encrypted


def setup_token(app: Flask) -> str:
    with app.app_context(), transaction():
        return accounts.new_setup_link()


def test_while_there_are_no_accounts_the_sign_in_page_says_how_to_make_the_first(
    anybody: Browser,
) -> None:
    assert "make setup-link" in words(anybody.get("/login"), "main")


def test_once_there_is_an_account_it_says_nothing_of_the_first(anybody: Browser, bob: User) -> None:
    assert "make setup-link" not in words(anybody.get("/login"), "main")


def test_signing_in_with_email_and_password_leads_to_the_instances(
    anybody: Browser, bob: User
) -> None:
    answer = anybody.post("/login", {"email": " BOB@example.com ", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/ui/instances")
    assert anybody.get("/ui/instances").status_code == 200


def test_signing_in_with_the_api_key_leads_to_the_instances(
    app: Flask, anybody: Browser, bob: User
) -> None:
    answer = anybody.post("/login", {"by": "key", "key": key_of(app, bob)})
    assert (answer.status_code, answer.location) == (303, "/ui/instances")
    assert anybody.get("/ui/instances").status_code == 200


def test_a_wrong_password_is_named_beside_the_field_and_the_email_stays(
    anybody: Browser, bob: User
) -> None:
    answer = anybody.post("/login", {"email": bob.email, "password": "wrong"})
    assert answer.status_code == 401
    assert words(answer, "#password-error") == "Неверный email или пароль."
    assert only(answer, "#email")["value"] == bob.email


def test_a_wrong_api_key_is_named_beside_the_field(anybody: Browser) -> None:
    answer = anybody.post("/login", {"by": "key", "key": "wam_wrong"})
    assert answer.status_code == 401
    assert words(answer, "#key-error") == "Неверный API ключ."


def test_the_sign_in_page_has_both_ways_under_the_names_of_the_specification(
    anybody: Browser,
) -> None:
    assert words(anybody.get("/login"), ".tabs") == "Email и пароль API ключ"


def test_signing_in_returns_to_the_page_that_was_asked_for(anybody: Browser, bob: User) -> None:
    sent = anybody.get("/ui/profile?x=1")
    assert (sent.status_code, sent.location) == (303, "/login?next=/ui/profile?x%3D1")
    form = only(anybody.get(sent.location), "form[action='/login'] [name=next]")
    answer = anybody.post(
        "/login", {"email": bob.email, "password": PASSWORD, "next": form["value"]}
    )
    assert answer.location == "/ui/profile?x=1"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "ui", ""],
)
def test_signing_in_never_leads_to_another_site(anybody: Browser, bob: User, target: str) -> None:
    answer = anybody.post("/login", {"email": bob.email, "password": PASSWORD, "next": target})
    assert answer.location == "/ui/instances"


def test_a_remembered_browser_keeps_its_cookie_for_a_month(app: Flask, bob: User) -> None:
    browser = Browser(app.test_client())
    browser.post("/login", {"email": bob.email, "password": PASSWORD, "remember": "y"})
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    assert cookie.expires is not None
    assert timedelta(days=29) < cookie.expires - utcnow() <= timedelta(days=30)


def test_another_browser_forgets_when_it_is_closed(bobs: Browser) -> None:
    cookie = bobs.client.get_cookie("session")
    assert cookie is not None
    assert cookie.expires is None


def test_signing_out_forgets_the_remembered_browser_too(app: Flask, bob: User) -> None:
    browser = Browser(app.test_client())
    browser.post("/login", {"email": bob.email, "password": PASSWORD, "remember": "y"})
    assert browser.post("/logout").location == "/login"
    assert browser.get("/ui/profile").status_code == 303


def test_signing_out_ends_the_session_for_a_copy_of_the_cookie_too(
    app: Flask, bobs: Browser
) -> None:
    cookie = bobs.client.get_cookie("session")
    assert cookie is not None
    thief = Browser(app.test_client())
    thief.client.set_cookie("session", cookie.value)
    assert thief.get("/ui/profile").status_code == 200
    bobs.post("/logout")
    assert thief.get("/ui/profile").status_code == 303


def test_an_htmx_request_without_a_session_is_sent_to_sign_in_and_back(anybody: Browser) -> None:
    shown = {"HX-Request": "true", "HX-Current-URL": "http://localhost/ui/instances/ins_1?a=1"}
    answer = anybody.get("/ui/instances/list", headers=shown)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=/ui/instances/ins_1?a%3D1"


def test_the_eleventh_failure_within_a_minute_names_the_wait(anybody: Browser, bob: User) -> None:
    for _ in range(10):
        assert (
            anybody.post("/login", {"email": "x@example.com", "password": "x"}).status_code == 401
        )
    answer = anybody.post("/login", {"email": bob.email, "password": PASSWORD})
    assert answer.status_code == 429
    assert "Слишком много попыток. Повторите через" in words(answer, "[role=alert].tone-lost")
    assert only(answer, "#email")["value"] == bob.email


def test_signing_in_rightly_does_not_count_as_a_failure(app: Flask, bob: User) -> None:
    for _ in range(12):
        Browser(app.test_client()).sign_in(bob)


def test_failures_are_limited_in_memory_while_redis_is_away(
    app: Flask, anybody: Browser, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "_storage_dead", False)
    monkeypatch.setattr(limiter.limiter.storage, "storage", _Away())
    anybody.post("/login", {"email": bob.email, "password": "wrong"})
    answers = [
        anybody.post("/login", {"email": bob.email, "password": "wrong"}).status_code
        for _ in range(11)
    ]
    assert set(answers[:8]) == {401}
    assert answers[-1] == 429


class _Away:
    def __getattr__(self, name: str) -> None:
        raise ConnectionError("Redis is away")


def test_the_setup_link_makes_the_first_administrator_and_signs_them_in(
    app: Flask, anybody: Browser
) -> None:
    token = setup_token(app)
    assert anybody.get(f"/setup/{token}").status_code == 200
    values = {"email": "eve@example.com", "name": "Ева", "password": PASSWORD}
    answer = anybody.post(f"/setup/{token}", values)
    assert (answer.status_code, answer.location) == (303, "/ui/instances")
    assert "Администратор" in words(anybody.get("/ui/profile"))


def test_the_setup_link_works_once(app: Flask, anybody: Browser) -> None:
    token = setup_token(app)
    anybody.post(f"/setup/{token}", {"email": "eve@example.com", "password": PASSWORD})
    answer = anybody.get(f"/setup/{token}")
    assert answer.status_code == 404
    assert "Эта ссылка уже использована или устарела." in words(answer)


def test_the_setup_page_names_a_short_password_and_keeps_the_rest(
    app: Flask, anybody: Browser
) -> None:
    values = {"email": "eve@example.com", "name": "Ева", "password": "short"}
    answer = anybody.post(f"/setup/{setup_token(app)}", values)
    assert answer.status_code == 422
    assert "не меньше 10" in words(answer, "#password-error")
    assert only(answer, "#name")["value"] == "Ева"
