"""People and invitations, for administrators."""

from __future__ import annotations

import pytest
from flask import Flask

from app.models import User
from app.services import invitations, password_resets
from tests.factories import PASSWORD

UNKNOWN = "usr_00000000000000000000000000"


@pytest.fixture
def root(api_of, alice):
    """alice's program."""
    return api_of(alice)


def test_people_are_listed_page_by_page(root, alice, bob, charlie):
    first = root.get("/api/users?limit=2").json
    assert [one["email"] for one in first["items"]] == [alice.email, bob.email]
    second = root.get(f"/api/users?limit=2&cursor={first['nextCursor']}").json
    assert [one["email"] for one in second["items"]] == [charlie.email]
    assert second["nextCursor"] is None


def test_people_are_searched(root, bob, charlie):
    found = root.get("/api/users?search=BOB").json["items"]
    assert [one["id"] for one in found] == [bob.id]


def test_a_person_is_created_and_can_sign_in(root, anonymous):
    body = {"email": "eve@example.com", "password": PASSWORD, "name": "Eve", "instanceLimit": 2}
    answer = root.post("/api/users", body)
    assert (answer.status_code, answer.json["role"], answer.json["instanceLimit"]) == (
        201,
        "user",
        2,
    )
    assert root.get(answer.headers["Location"]).json == answer.json
    login = {"email": "eve@example.com", "password": PASSWORD}
    assert anonymous.post("/api/auth/login", login).status_code == 200


def test_an_address_that_is_taken_is_refused(root, bob):
    answer = root.post("/api/users", {"email": bob.email, "password": PASSWORD})
    assert (answer.status_code, answer.json["code"]) == (409, "email_taken")


def test_role_and_limit_are_changed_one_by_one(root, bob):
    root.patch(f"/api/users/{bob.id}", {"instanceLimit": 4})
    answer = root.patch(f"/api/users/{bob.id}", {"role": "administrator"})
    assert (answer.json["role"], answer.json["instanceLimit"]) == ("administrator", 4)
    answer = root.patch(f"/api/users/{bob.id}", {"instanceLimit": None})
    assert answer.json["instanceLimit"] is None


def test_the_limit_is_told_by_its_code(root, api, bob):
    root.patch(f"/api/users/{bob.id}", {"instanceLimit": 0})
    answer = api.post("/api/instances", {"name": "One too many"})
    assert (answer.status_code, answer.json["code"]) == (409, "instance_limit_reached")


def test_a_disabled_person_is_told_so_by_the_code(root, api, anonymous, bob):
    answer = root.post(f"/api/users/{bob.id}/disable", {"stopInstances": True})
    assert answer.status_code == 200
    assert answer.json["disabledAt"]
    refused = [
        api.get("/api/auth/me"),
        anonymous.post("/api/auth/login", {"email": bob.email, "password": PASSWORD}),
    ]
    told = [(one.status_code, one.get_json(force=True)["code"]) for one in refused]
    assert told == [(403, "account_disabled")] * 2
    assert root.post(f"/api/users/{bob.id}/enable").json["disabledAt"] is None
    assert api.get("/api/auth/me").status_code == 200


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [("PATCH", "", {"role": "user"}), ("POST", "/disable", {}), ("DELETE", "", None)],
)
def test_the_last_administrator_stays(root, alice, method, suffix, body):
    answer = root.call(method, f"/api/users/{alice.id}{suffix}", json=body)
    assert answer.status_code == 409
    assert root.get(f"/api/users/{alice.id}").json["role"] == "administrator"


def test_a_reset_link_works(app: Flask, root, bob: User):
    answer = root.post(f"/api/users/{bob.id}/reset-link")
    assert answer.status_code == 201
    with app.app_context():
        token = answer.json["url"].rpartition("/reset/")[2]
        assert password_resets.owner_of(token).id == bob.id


def test_an_invitation_is_made_listed_and_taken_back(app: Flask, root):
    made = root.post("/api/invitations", {"email": "eve@example.com", "days": 1}).json
    with app.app_context():
        token = made["url"].rpartition("/invite/")[2]
        assert invitations.find(token).email == "eve@example.com"
    assert root.get("/api/invitations").json["items"] == [made]
    assert root.delete(f"/api/invitations/{made['id']}").status_code == 204
    assert root.get("/api/invitations").json["items"] == []
    assert root.delete(f"/api/invitations/{made['id']}").json["code"] == "invitation_not_found"


def test_a_deleted_person_is_gone(root, bob):
    assert root.delete(f"/api/users/{bob.id}").status_code == 204
    assert root.get(f"/api/users/{bob.id}").json["code"] == "user_not_found"


@pytest.mark.parametrize(
    ("method", "suffix"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/enable"), ("POST", "/reset-link")],
)
def test_nobody_is_told_as_nobody(root, method, suffix):
    body = {} if method == "PATCH" else None
    answer = root.call(method, f"/api/users/{UNKNOWN}{suffix}", json=body)
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (404, "user_not_found")


def test_others_are_told_that_it_is_for_administrators(api, alice):
    for user_id in (alice.id, UNKNOWN):
        answer = api.get(f"/api/users/{user_id}")
        assert (answer.status_code, answer.json["code"]) == (403, "administrators_only")
