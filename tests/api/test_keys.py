"""Keys for programs: made, listed, revoked; and what their use leaves behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app.clock import utcnow
from app.core.events import iso
from app.services import named_keys
from tests.ui.browser import Browser, only

KEY = {"name": "Website", "scopes": ["send", "read"]}


def code_of(answer) -> str:
    return answer.get_json(force=True)["code"]


def test_a_key_is_told_once_and_works(api, anonymous, instance):
    end = iso(utcnow() + timedelta(days=1))
    made = api.post("/api/keys", KEY | {"instanceIds": [instance.id], "expiresAt": end})
    assert made.status_code == 201
    key = made.json["apiKey"]
    assert made.json["scopes"] == ["read", "send"]
    assert (made.json["instanceIds"], made.json["ending"]) == ([instance.id], key[-4:])
    assert key not in api.get("/api/keys").text + api.get(made.headers["Location"]).text
    answer = anonymous.get(f"/api/instances/{instance.id}", headers={"X-API-Key": key})
    assert answer.status_code == 200
    with time_machine.travel(utcnow() + timedelta(days=1, seconds=1)):
        answer = anonymous.get("/api/instances", headers={"Authorization": f"Bearer {key}"})
        assert code_of(answer) == "api_key_expired"
        assert api.get("/api/keys").json["items"][0]["expired"]


def test_a_revoked_key_ends_at_once(api, anonymous):
    made = api.post("/api/keys", KEY).json
    place = f"/api/keys/{made['id']}"
    assert api.delete(place).status_code == 204
    answer = anonymous.get("/api/instances", headers={"X-API-Key": made["apiKey"]})
    assert code_of(answer) == "bad_api_key"
    assert code_of(api.get(place)) == code_of(api.delete(place)) == "key_not_found"


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"name": " "}, "name", "name_missing"),
        ({"name": "a" * 61}, "name", "name_too_long"),
        ({"scopes": []}, "scopes", "bad_scopes"),
        ({"scopes": ["everything"]}, "scopes.0", "validation_failed"),
        ({"instanceIds": []}, "instanceIds", "no_instances"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expiresAt", "bad_expiry"),
        ({"expiresAt": "2030-01-01T00:00:00"}, "expiresAt", "time_without_zone"),
    ],
)
def test_what_cannot_be_is_refused(api, wrong, field, code):
    answer = api.post("/api/keys", KEY | wrong)
    assert (answer.status_code, answer.json["field"], answer.json["code"]) == (422, field, code)


def test_nobody_makes_a_key_for_an_instance_of_somebody_else(api, foreign):
    answer = api.post("/api/keys", KEY | {"instanceIds": [foreign.id]})
    assert code_of(answer) == "instance_not_found"


def test_there_are_only_so_many(api, monkeypatch):
    monkeypatch.setattr(named_keys, "MAX_KEYS", 1)
    assert api.post("/api/keys", KEY).status_code == 201
    assert code_of(api.post("/api/keys", KEY)) == "too_many_keys"


def test_a_new_personal_key_leaves_them_alone(api, anonymous):
    key = api.post("/api/keys", KEY).json["apiKey"]
    new = api.post("/api/auth/key/rotate", {"grace": "none"}).json["apiKey"]
    assert anonymous.get("/api/instances", headers={"X-API-Key": key}).status_code == 200
    answer = anonymous.get("/api/auth/key", headers={"X-API-Key": new})
    assert answer.json["apiKey"] == new


def test_they_sign_nobody_in(api, anonymous, app, bob):
    key = api.post("/api/keys", KEY | {"scopes": ["read", "send", "manage"]}).json["apiKey"]
    assert code_of(anonymous.post("/api/auth/login", {"apiKey": key})) == "personal_key_needed"


def test_the_last_use_is_written_once_a_minute(api, anonymous):
    made = api.post("/api/keys", KEY).json

    def used():
        anonymous.get("/api/instances", headers={"X-API-Key": made["apiKey"]})
        return api.get(f"/api/keys/{made['id']}").json["lastUsedAt"]

    assert made["lastUsedAt"] is None
    start = utcnow()
    with time_machine.travel(start, tick=False):
        first = used()
    with time_machine.travel(start + timedelta(seconds=59), tick=False):
        assert used() == first
    with time_machine.travel(start + timedelta(seconds=61), tick=False):
        assert used() > first


def test_tokens_in_headers_of_webhooks_are_told_only_to_who_may_change_them(
    api, anonymous, instance
):
    path = f"/api/instances/{instance.id}"
    api.patch(path, {"webhookUrl": "https://shop.example/in", "headers": {"X-Token": "s3cret"}})
    [webhook] = api.get(f"{path}/webhooks").json["items"]
    for scopes, told in ((["read"], "••••••"), (["read", "manage"], "s3cret")):
        key = api.post("/api/keys", {"name": "A", "scopes": scopes}).json["apiKey"]
        for address in (path, f"/api/webhooks/{webhook['id']}"):
            answer = anonymous.get(address, headers={"X-API-Key": key})
            assert answer.json["headers"] == {"X-Token": told}


@pytest.fixture
def bobs(app, bob) -> Browser:
    """Bob's browser."""
    return Browser(app.test_client()).sign_in(bob)


def test_a_key_is_made_and_revoked_on_the_page(bobs, anonymous, instance):
    assert "Ключей для программ пока нет" in bobs.get("/ui/profile/keys").text
    form = {"name": "Сайт", "scopes": ["read"], "reach": "chosen", "instance_ids": [instance.id]}
    made = bobs.post("/ui/profile/keys", form | {"expires_at": "30"})
    key = only(made, "#new-key").text
    assert anonymous.get("/api/instances", headers={"X-API-Key": key}).status_code == 200
    page = bobs.get("/ui/profile/keys")
    assert key not in page.text
    line = only(page, "tbody tr")
    assert "Shop" in line.text and key[-4:] in line.text
    bobs.post(line.select_one("form")["action"])
    assert anonymous.get("/api/instances", headers={"X-API-Key": key}).status_code == 401


def test_a_key_for_which_instances_are_chosen_is_for_these(app, bobs, api, instance):
    form = {"name": "Сайт", "scopes": ["read"], "reach": "all", "instance_ids": [instance.id]}
    bobs.post("/ui/profile/keys", form | {"expires_at": "0"})
    assert api.get("/api/keys").json["items"][0]["instanceIds"] == [instance.id]


@pytest.mark.parametrize(
    ("wrong", "shown"), [({"reach": "chosen"}, "instance_ids"), ({"name": ""}, "name")]
)
def test_the_page_says_what_is_wrong(bobs, instance, wrong, shown):
    form = {"name": "Сайт", "scopes": ["read"], "reach": "all", "expires_at": "0"}
    answer = bobs.post("/ui/profile/keys", form | wrong)
    assert answer.status_code == 422
    assert only(answer, f"#{shown}-error")
