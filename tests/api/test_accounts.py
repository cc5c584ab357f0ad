"""Signing in, and who one is."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import update

from app.clock import utcnow
from app.core.errors import NotFound
from app.models import ApiKey, User
from app.services import accounts
from app.transaction import transaction
from tests.factories import PASSWORD
from tests.ui.browser import Browser


def sign_in(api, **body):
    return api.post("/api/auth/login", body)


def test_email_and_password_give_a_token_that_works(anonymous, bob):
    answer = sign_in(anonymous, email=" BOB@example.com ", password=PASSWORD)
    assert answer.status_code == 200
    assert answer.json["user"]["email"] == "bob@example.com"
    headers = {"Authorization": f"Bearer {answer.json['token']}"}
    assert anonymous.get("/api/auth/me", headers=headers).json == answer.json["user"]


def test_the_token_ends_after_a_day(anonymous, bob):
    token = sign_in(anonymous, email=bob.email, password=PASSWORD).json["token"]
    with time_machine.travel(utcnow() + timedelta(hours=24)):
        answer = anonymous.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (401, "bad_token")


def test_an_api_key_gives_a_token_too(anonymous, api, bob):
    key = api._key
    answer = sign_in(anonymous, apiKey=key)
    assert answer.status_code == 200
    assert answer.json["apiKey"] == key
    assert answer.json["token"].startswith("wat_")


@pytest.mark.parametrize(
    "header", ["X-API-Key: {}", "Authorization: Bearer {}", "authorization: bearer {}"]
)
def test_an_api_key_works_by_itself(anonymous, api, bob, header):
    name, _, value = header.format(api._key).partition(": ")
    answer = anonymous.get("/api/auth/me", headers={name: value})
    assert answer.json["id"] == bob.id


def test_who_has_no_key_left_is_told_so(app: Flask, anonymous, bob):
    with app.app_context():
        with transaction() as session:
            accounts.create_key(bob)
        with transaction() as session:
            session.execute(update(ApiKey).values(revoked_at=utcnow()))
        with pytest.raises(NotFound):
            accounts.current_key(bob)
    assert sign_in(anonymous, email=bob.email, password=PASSWORD).json["apiKey"] is None


def test_a_wrong_password_is_refused(anonymous, bob):
    answer = sign_in(anonymous, email=bob.email, password="wrong")
    assert answer.status_code == 401
    assert answer.json["code"] == "bad_credentials"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_an_unknown_address_is_told_like_a_wrong_password(anonymous, bob):
    wrong = sign_in(anonymous, email=bob.email, password="wrong").json
    unknown = sign_in(anonymous, email="nobody@example.com", password="wrong").json
    assert wrong | {"requestId": ""} == unknown | {"requestId": ""}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "bob@example.com"},
        {"password": "x"},
        {"email": "bob@example.com", "password": "x", "apiKey": "y"},
        {"email": None, "password": "x"},
    ],
)
def test_half_of_what_is_needed_is_refused(anonymous, body):
    answer = sign_in(anonymous, **body)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["code"] == "one_way_to_sign_in"


def test_too_many_wrong_passwords_have_to_wait(anonymous, bob):
    answers = [sign_in(anonymous, email=bob.email, password="wrong") for _ in range(12)]
    last = answers[-1]
    assert (last.status_code, last.json["code"]) == (429, "rate_limited")
    assert int(last.headers["Retry-After"]) > 0


def test_the_right_password_has_to_wait_too(anonymous, bob):
    for _ in range(12):
        sign_in(anonymous, email=bob.email, password="wrong")
    assert sign_in(anonymous, email=bob.email, password=PASSWORD).status_code == 429


def test_the_password_is_in_no_answer(anonymous, bob):
    for body in ({"password": "swordfish!"}, {"email": bob.email, "password": "swordfish!"}):
        assert "swordfish" not in sign_in(anonymous, **body).text


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "unauthorized"),
        ({"X-API-Key": "wam_wrong"}, "bad_api_key"),
        ({"X-API-Key": ""}, "bad_api_key"),
        ({"Authorization": "Bearer wam_wrong"}, "bad_api_key"),
        ({"Authorization": "Bearer wrong"}, "bad_token"),
        ({"Authorization": "Bearer "}, "bad_token"),
        ({"Authorization": "Basic Ym9iOnB3"}, "bad_authorization"),
        ({"Authorization": ""}, "bad_authorization"),
    ],
)
def test_a_wrong_key_or_token_is_refused(anonymous, headers, code):
    answer = anonymous.get("/api/auth/me", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, code)


def test_a_disabled_person_is_refused(app: Flask, api, bob):
    with app.app_context(), transaction() as session:
        session.execute(update(User).where(User.id == bob.id).values(disabled_at=utcnow()))
    answer = api.get("/api/auth/me")
    assert (answer.status_code, answer.json["code"]) == (403, "account_disabled")


@pytest.fixture
def browser(app: Flask, bob: User):
    """bob's browser, signed in."""
    return Browser(app.test_client()).sign_in(bob).client


def test_a_browsers_session_may_read(browser, bob):
    assert browser.get("/api/auth/me").json["id"] == bob.id


def test_a_browsers_session_may_not_write_without_the_csrf_token(browser, app):
    answer = browser.post("/api/instances", json={"name": "Forged"})
    assert answer.status_code == 403
    assert answer.get_json(force=True)["code"] == "csrf_failed"


def test_a_wrong_key_is_not_made_good_by_a_cookie(browser):
    assert browser.get("/api/auth/me", headers={"X-API-Key": "wam_wrong"}).status_code == 401
