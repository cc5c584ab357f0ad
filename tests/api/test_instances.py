"""Instances over the API."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.states import InstanceState
from app.extensions import db
from app.models import Instance
from app.services import instances, webhooks
from app.transaction import transaction
from tests import factories

URL = "https://shop.example/hook"
HOOK = {"name": "A", "webhookUrl": URL}


def create(api, **body):
    return api.post("/api/instances", {"name": "New", **body})


def test_a_new_instance_is_created_with_defaults(api):
    answer = create(api)
    assert answer.status_code == 201
    shown = answer.json
    assert answer.headers["Location"] == f"/api/instances/{shown['id']}"
    assert (shown["name"], shown["state"], shown["reason"]) == ("New", "created", None)
    assert (shown["webhookUrl"], shown["webhookEnabled"]) == (None, False)
    assert (shown["notifyReceived"], shown["notifySent"]) == (True, True)
    assert (shown["notifyDelivery"], shown["notifyRead"]) == (False, False)
    assert (shown["notifyConnection"], shown["notifyCalls"]) == (False, False)
    assert (shown["maxRetries"], shown["retryInterval"], shown["headers"]) == (3, 60_000, {})
    assert "webhookSecret" not in shown


def test_an_instance_is_created_with_its_webhook(api):
    body = {
        "description": "Orders",
        "webhookUrl": URL,
        "notifyReceived": False,
        "notifyRead": True,
        "maxRetries": 5,
        "retryInterval": 1500,
        "headers": {"X-Shop": "12"},
        "webhookSecret": "chosen by hand",
    }
    shown = create(api, **body).json
    assert {name: shown[name] for name in body} == body
    assert shown["webhookEnabled"] is True


def test_the_secret_is_shown_when_it_is_made_and_when_asked_for_alone(api):
    shown = create(api, webhookUrl=URL).json
    path = f"/api/instances/{shown['id']}"
    assert shown["webhookSecret"].startswith("whsec_")
    assert "webhookSecret" not in api.get(path).json
    assert "webhookSecret" not in api.patch(path, {"notifyRead": True}).json
    assert "whsec_" not in api.get("/api/instances").text
    asked = api.get(f"{path}?include=webhookSecret").json
    assert asked["webhookSecret"] == shown["webhookSecret"]


def test_a_new_secret_replaces_the_old_one(api):
    path = f"/api/instances/{create(api, webhookUrl=URL).json['id']}"
    assert api.patch(path, {"webhookSecret": "another one"}).json["webhookSecret"] == "another one"


def test_the_secret_stays_when_it_is_left_out_or_null(api):
    shown = create(api, webhookUrl=URL).json
    path = f"/api/instances/{shown['id']}"
    for body in ({"webhookUrl": URL + "2"}, {"webhookSecret": None}, {"webhookSecret": ""}):
        api.patch(path, body)
    asked = api.get(f"{path}?include=webhookSecret").json
    assert asked["webhookSecret"] == shown["webhookSecret"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_change_keeps_what_is_left_out(api, method):
    shown = create(api, description="Orders", webhookUrl=URL, notifyRead=True).json
    changed = api.call(method, f"/api/instances/{shown['id']}", json={"notifySent": False}).json
    shown.pop("webhookSecret")
    assert changed == shown | {"notifySent": False}


@pytest.mark.parametrize("url", [None, URL])
def test_an_instance_can_be_sent_back_as_it_was_read(api, url):
    path = f"/api/instances/{create(api, webhookUrl=url).json['id']}"
    shown = api.get(path).json
    assert api.put(path, shown).json == shown


def test_the_webhook_is_removed_with_its_url(api):
    path = f"/api/instances/{create(api, webhookUrl=URL).json['id']}"
    for empty in (None, ""):
        assert api.patch(path, {"webhookUrl": empty}).json["webhookUrl"] is None


def test_the_webhook_can_be_switched_off_and_on(api):
    path = f"/api/instances/{create(api, webhookUrl=URL).json['id']}"
    assert api.patch(path, {"webhookEnabled": False}).json["webhookEnabled"] is False
    assert api.patch(path, {"description": "x"}).json["webhookEnabled"] is False
    assert api.patch(path, {"webhookEnabled": True}).json["webhookEnabled"] is True


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "name", "missing"),
        ({"name": ""}, "name", "name_missing"),
        ({"name": None}, "name", "string_type"),
        ({"name": 5}, "name", "string_type"),
        ({"name": "a" * 61}, "name", "name_too_long"),
        ({"name": "a\0b"}, "name", "null_character"),
        ({"name": "A", "webhookUrl": "nowhere"}, "webhookUrl", "bad_url"),
        ({"name": "A", "webhookUrl": "http://169.254.169.254/"}, "webhookUrl", "address_refused"),
        ({"name": "A", "notifyRead": True}, "webhookUrl", "url_missing"),
        ({"name": "A", "webhookEnabled": True, "webhookUrl": ""}, "webhookUrl", "url_missing"),
        ({"name": "A", "webhookUrl": URL, "maxRetries": 99}, "maxRetries", "bad_max_retries"),
        (
            {"name": "A", "webhookUrl": URL, "retryInterval": 1},
            "retryInterval",
            "bad_retry_interval",
        ),
        ({"name": "A", "webhookUrl": URL, "headers": {"Host": "x"}}, "headers", "reserved_header"),
        ({"name": "A", "webhookUrl": URL, "headers": {"X": 1}}, "headers.X", "string_type"),
        ({"name": "A", "webhookUrl": URL, "webhookSecret": "short"}, "webhookSecret", "bad_secret"),
        ({"name": "A", "notifyReads": True}, "notifyReads", "extra_forbidden"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_and_makes_nothing(api, body, field, code):
    answer = api.post("/api/instances", body)
    assert answer.status_code == 422
    assert answer.json["field"] == field
    assert code in {answer.json["code"], answer.json["errors"][0]["code"]}
    assert api.get("/api/instances").json["items"] == []


def test_a_taken_name_is_refused(api, instance):
    answer = create(api, name="Shop")
    assert (answer.status_code, answer.json["code"]) == (422, "name_taken")


def test_a_name_cannot_be_taken_away(api, instance):
    answer = api.patch(f"/api/instances/{instance.id}", {"name": None})
    assert (answer.status_code, answer.json["code"]) == (422, "name_missing")


def test_the_list_has_ones_own_alone(api, instance, linked, foreign):
    shown = api.get("/api/instances").json
    assert [one["id"] for one in shown["items"]] == [instance.id, linked.id]
    assert shown["nextCursor"] is None


def test_the_list_comes_page_by_page(app: Flask, api, bob):
    with app.app_context():
        made = [factories.instance(bob).id for _ in range(5)]
    found, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/api/instances?limit=2{cursor and f'&cursor={cursor}'}").json
        assert len(page["items"]) <= 2
        found += [one["id"] for one in page["items"]]
        cursor = page["nextCursor"]
    assert found == made


@pytest.mark.parametrize("limit", ["0", "201", "many"])
def test_a_wrong_limit_is_refused(api, limit):
    answer = api.get(f"/api/instances?limit={limit}")
    assert (answer.status_code, answer.json["field"]) == (422, "limit")


def test_a_linked_instance_shows_its_number_and_its_webhook(app: Flask, api, linked):
    with app.app_context():
        factories.endpoint(linked, url=URL, events=["message_status:delivered"])
    [shown] = api.get("/api/instances").json["items"]
    assert shown["phone"] == f"+{linked.account.phone}"
    assert (shown["pushName"], shown["state"], shown["webhookUrl"]) == ("Bob", "connected", URL)
    assert (shown["notifyReceived"], shown["notifyDelivery"]) == (False, True)


@pytest.mark.parametrize(("language", "word"), [("en", "Unlinked"), ("ru", "Отключено")])
def test_a_reason_is_told_in_the_callers_language(app: Flask, api, linked, language, word):
    with app.app_context(), transaction() as session:
        row = session.get_one(Instance, linked.id)
        instances.move(row, InstanceState.LOGGED_OUT, reason="phone_logged_out")
    headers = {"Accept-Language": language}
    reason = api.get(f"/api/instances/{linked.id}/status", headers=headers).json["reason"]
    assert reason["code"] == "phone_logged_out"
    assert word in reason["message"]
    assert reason["hint"]


def test_a_deleted_instance_is_gone(app: Flask, api, linked):
    answer = api.delete(f"/api/instances/{linked.id}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert api.get(f"/api/instances/{linked.id}").status_code == 404
    assert api.delete(f"/api/instances/{linked.id}").status_code == 404


OPERATIONS = [
    ("GET", "", None),
    ("PUT", "", {"name": "Mine"}),
    ("PATCH", "", {"name": "Mine"}),
    ("DELETE", "", None),
    ("GET", "/status", None),
    ("GET", "/qr", None),
    ("POST", "/reconnect", None),
    ("POST", "/logout", None),
    ("POST", "/send", {"to": "+79161234567", "text": "Hi"}),
    ("POST", "/send/batch", {"messages": [{"to": "+79161234567", "text": "Hi"}]}),
    ("GET", "/messages/msg_1", None),
    ("PUT", "/messages/msg_1/reaction", {"emoji": "👍"}),
    ("POST", "/messages/msg_1/vote", {"options": ["Today"]}),
    ("PATCH", "/messages/msg_1", {"text": "Hello"}),
    ("DELETE", "/messages/msg_1", None),
    ("POST", "/messages/msg_1/forward", {"to": ["+79161234567"]}),
    ("POST", "/messages/msg_1/resend", None),
    ("POST", "/messages/msg_1/dismiss", None),
    ("POST", "/messages/msg_1/retry", None),
    ("POST", "/messages/msg_1/cancel", None),
    ("GET", "/messages/msg_1/media", None),
    ("POST", "/messages/msg_1/media/fetch", None),
    ("GET", "/queue", None),
    ("DELETE", "/queue", None),
    ("POST", "/queue/pause", {"reason": "Noon"}),
    ("POST", "/queue/resume", None),
    ("GET", "/activity", None),
    ("GET", "/events", None),
    ("GET", "/events/stream", None),
    ("POST", "/pair-code", {"phone": "+79161234567"}),
    ("POST", "/chats/cht_1/read", None),
    ("GET", "/chats/cht_1/photo", None),
    ("POST", "/contacts/check", {"phones": ["+79161234567"]}),
    ("GET", "/webhooks", None),
    ("POST", "/chats/cht_1/typing", {"typing": True}),
    ("GET", "/chats", None),
    ("GET", "/chats/cht_1/messages", None),
    ("PATCH", "/chats/cht_1", {"archived": True}),
    ("GET", "/groups", None),
    ("POST", "/groups", {"name": "Couriers", "people": ["+79161234567"]}),
    ("GET", "/groups/120363041234567890@g.us", None),
    ("PATCH", "/groups/120363041234567890@g.us", {"name": "Night"}),
    ("POST", "/groups/120363041234567890@g.us/members", {"people": ["+79161234567"]}),
    ("PATCH", "/groups/120363041234567890@g.us/members/79161234567", {"role": "admin"}),
    ("DELETE", "/groups/120363041234567890@g.us/members/79161234567", None),
    ("POST", "/groups/120363041234567890@g.us/link", {"renew": False}),
    ("POST", "/groups/120363041234567890@g.us/leave", None),
    ("PUT", "/blocked/79161234568", None),
    ("DELETE", "/blocked/79161234568", None),
    ("GET", "/contacts", None),
    ("POST", "/contacts", {"phone": "+79161234567"}),
    ("GET", "/contacts/con_1", None),
    ("PUT", "/contacts/con_1", {"phone": "+79161234567", "name": "Anna"}),
    ("DELETE", "/contacts/con_1", None),
    ("POST", "/contacts/con_1/erase", {"phone": "+79161234567"}),
    ("POST", "/contacts/imports", None),
    ("GET", "/contacts/imports/imp_1", None),
    ("POST", "/contacts/imports/imp_1/cancel", None),
    ("GET", "/contacts/duplicates", None),
    ("POST", "/contacts/merge", {"contactIds": ["con_1", "con_2"], "keep": "con_1"}),
    ("POST", "/contacts/tasks", {"act": "tag", "tag": "VIP"}),
    ("GET", "/contacts/tasks/tsk_1", None),
    ("POST", "/contacts/tasks/tsk_1/cancel", None),
]
_GROUP = "120363041234567890@g.us"
_IDS = {
    _GROUP: "{group_id}",
    "79161234567": "{member}",
    "79161234568": "{phone}",
    "msg_1": "{message_id}",
    "cht_1": "{chat_id}",
    "con_1": "{contact_id}",
    "imp_1": "{import_id}",
    "tsk_1": "{task_id}",
}


def test_every_operation_on_an_instance_is_among_those_tried(document):
    tried = {
        (method.lower(), "/".join(_IDS.get(part, part) for part in suffix.split("/")))
        for method, suffix, _ in OPERATIONS
    }
    prefix = "/api/instances/{instance_id}"
    documented = {
        (method, path.removeprefix(prefix))
        for path, operations in document["paths"].items()
        if path.startswith(prefix)
        for method in operations
    }
    assert documented == tried


@pytest.mark.parametrize(("method", "suffix", "body"), OPERATIONS)
def test_somebody_elses_instance_is_told_like_an_unknown_one(api, foreign, method, suffix, body):
    answers = [
        api.call(method, f"/api/instances/{one}{suffix}", **({"json": body} if body else {}))
        for one in (foreign.id, "ins_00000000000000000000000000")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    told = [answer.get_json(force=True) | {"requestId": ""} for answer in answers]
    assert told[0] == told[1]
    assert told[0]["code"] == "instance_not_found"


@pytest.mark.parametrize(("method", "suffix", "body"), OPERATIONS)
def test_nobody_gets_at_an_instance_without_a_key(anonymous, linked, method, suffix, body):
    answer = anonymous.call(method, f"/api/instances/{linked.id}{suffix}", json=body)
    assert answer.status_code == 401


def test_an_administrator_sees_no_more_than_anybody(api_of, alice, linked):
    assert api_of(alice).get(f"/api/instances/{linked.id}").status_code == 404


def test_a_refused_change_changes_nothing(app: Flask, api):
    shown = create(api, webhookUrl=URL).json
    path = f"/api/instances/{shown['id']}"
    api.patch(path, {"description": "half", "headers": {"Host": "x"}})
    assert api.get(path).json["description"] == ""
    with app.app_context():
        row = db.session.get_one(Instance, shown["id"])
        assert webhooks.endpoint_of(row).headers == {}
