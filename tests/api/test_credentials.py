"""Password, API key, and the browsers that are signed in."""

from __future__ import annotations

import pytest
from flask import Flask

from app.models import User
from tests.factories import PASSWORD
from tests.ui.browser import Browser

NEW = "another long password"


def code_of(answer) -> str:
    return answer.get_json(force=True)["code"]


def test_name_language_and_theme_can_be_changed_one_by_one(api):
    api.patch("/api/auth/me", {"language": "en", "theme": "dark"})
    answer = api.patch("/api/auth/me", {"name": "Robert"})
    assert answer.status_code == 200
    told = [answer.json[field] for field in ("name", "language", "theme")]
    assert told == ["Robert", "en", "dark"]
    assert api.patch("/api/auth/me", {"theme": None}).json["theme"] is None


@pytest.mark.parametrize("body", [{"language": "tlh"}, {"theme": "pink"}, {"role": "king"}])
def test_what_cannot_be_chosen_is_refused(api, body):
    assert api.patch("/api/auth/me", body).status_code == 422


def test_the_key_is_shown_and_replaced_with_a_grace(app: Flask, api, anonymous):
    old = api._key
    answer = api.post("/api/auth/key/rotate", {"grace": "24h"})
    assert answer.status_code == 200
    new = answer.json["apiKey"]
    assert new != old
    assert len(answer.json["former"]) == 1
    for key in (old, new):
        assert anonymous.get("/api/auth/key", headers={"X-API-Key": key}).json["apiKey"] == new


def test_replaced_keys_can_be_ended(api, anonymous):
    new = api.post("/api/auth/key/rotate", {"grace": "7d"}).json["apiKey"]
    assert api.delete("/api/auth/key/former").status_code == 204
    assert code_of(api.get("/api/auth/me")) == "bad_api_key"
    assert anonymous.get("/api/auth/me", headers={"X-API-Key": new}).status_code == 200


def test_a_key_without_grace_ends_at_once(api):
    api.post("/api/auth/key/rotate", {})
    assert code_of(api.get("/api/auth/me")) == "bad_api_key"


def test_the_key_says_when_it_was_used_last(api):
    assert api.get("/api/auth/key").json["lastUsedAt"] is None  # noted behind the first answer
    assert api.get("/api/auth/key").json["lastUsedAt"] is not None


def test_the_password_is_changed_by_who_knows_it(api, anonymous, bob):
    body = {"currentPassword": PASSWORD, "newPassword": NEW}
    assert api.post("/api/auth/password", body).status_code == 204
    login = {"email": bob.email, "password": NEW}
    assert anonymous.post("/api/auth/login", login).status_code == 200


def test_a_wrong_present_password_is_refused_and_guesses_have_to_wait(api):
    body = {"currentPassword": "wrong", "newPassword": NEW}
    answers = [api.post("/api/auth/password", body) for _ in range(12)]
    assert (answers[0].status_code, code_of(answers[0])) == (422, "wrong_password")
    assert (answers[-1].status_code, code_of(answers[-1])) == (429, "rate_limited")


def test_browsers_are_listed_and_signed_out(app: Flask, api, bob: User):
    browser = Browser(app.test_client(), {"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/132.0"})
    browser.sign_in(bob)
    [shown] = api.get("/api/auth/sign-ins").json["items"]
    assert (shown["device"], shown["address"]) == ("Firefox, Linux", "127.0.0.1")
    assert not shown["current"]
    assert api.delete(f"/api/auth/sign-ins/{shown['id']}").status_code == 204
    assert browser.get("/ui/profile").status_code == 303
    assert code_of(api.delete(f"/api/auth/sign-ins/{shown['id']}")) == "sign_in_not_found"


def test_signing_out_everywhere_ends_browsers_and_tokens(app: Flask, api, anonymous, bob: User):
    browser = Browser(app.test_client()).sign_in(bob)
    login = {"email": bob.email, "password": PASSWORD}
    token = anonymous.post("/api/auth/login", login).json["token"]
    assert api.delete("/api/auth/sign-ins").status_code == 204
    assert browser.get("/ui/profile").status_code == 303
    answer = anonymous.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert code_of(answer) == "bad_token"


def test_a_browser_that_signs_out_all_others_stays(app: Flask, bob: User):
    here, there = (Browser(app.test_client()).sign_in(bob) for _ in range(2))
    headers = here.headers | {"X-CSRFToken": here.csrf_token()}
    assert here.client.delete("/api/auth/sign-ins", headers=headers).status_code == 204
    assert here.get("/api/auth/me").status_code == 200
    assert there.get("/api/auth/me").status_code == 401
