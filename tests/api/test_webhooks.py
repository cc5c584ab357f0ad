"""Webhooks over the API."""

from __future__ import annotations

import pytest
from flask import Flask

from tests import factories

URL = "https://shop.example/hook"


def create(api, **values):
    answer = api.post("/api/webhooks", {"url": URL, **values})
    assert answer.status_code == 201, answer.text
    return answer


def test_a_webhook_for_all_instances_has_no_instance(api):
    made = create(api).json
    assert made["instanceId"] is None
    assert made["events"] == ["message_received", "message_sent"]
    assert made["secret"].startswith("whsec_")


def test_the_place_of_a_new_webhook_is_told(api):
    answer = create(api)
    assert api.get(answer.headers["Location"]).json["id"] == answer.json["id"]


def test_every_setting_comes_back_as_it_was_set(api, linked):
    settings = {
        "instanceId": linked.id,
        "events": ["connection"],
        "enabled": False,
        "headers": {"X-A": "1"},
        "maxRetries": 9,
        "retryInterval": 2000,
        "maxRetryInterval": 4000,
        "timeout": 1500,
    }
    made = create(api, **settings).json
    assert {name: made[name] for name in settings} == settings


def test_an_instances_first_webhook_is_the_one_it_shows(api, linked):
    create(api, instanceId=linked.id)
    create(api, instanceId=linked.id, url=f"{URL}/2")
    assert api.get(f"/api/instances/{linked.id}").json["webhookUrl"] == URL


def test_webhooks_of_one_instance_are_listed_with_those_for_all(app: Flask, api, bob, linked):
    with app.app_context():
        other = factories.instance(bob)
    everywhere, own = create(api).json, create(api, instanceId=linked.id).json
    create(api, instanceId=other.id)
    listed = api.get(f"/api/webhooks?instanceId={linked.id}").json["items"]
    assert [one["id"] for one in listed] == [everywhere["id"], own["id"]]
    assert len(api.get("/api/webhooks").json["items"]) == 3


def test_a_change_leaves_what_it_does_not_name(api):
    made = create(api, headers={"X-A": "1"}, maxRetries=9).json
    changed = api.patch(f"/api/webhooks/{made['id']}", {"enabled": False}).json
    del made["secret"]
    assert changed == made | {"enabled": False}


def test_the_secret_is_shown_to_who_asks_for_it(api):
    made = create(api, secret="typed by hand").json
    path = f"/api/webhooks/{made['id']}"
    assert "secret" not in api.get(path).json
    assert api.get(f"{path}?include=secret").json["secret"] == "typed by hand"


def test_a_deleted_webhook_is_gone(api):
    path = f"/api/webhooks/{create(api).json['id']}"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_somebody_elses_instance_gets_no_webhook(api_of, charlie, linked):
    answer = api_of(charlie).post("/api/webhooks", {"url": URL, "instanceId": linked.id})
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (404, "instance_not_found")


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"url": "ftp://x"}, "url", "bad_url"),
        ({"timeout": 1}, "timeout", "bad_timeout"),
        ({"maxRetryInterval": 1}, "maxRetryInterval", "bad_max_retry_interval"),
        ({"events": ["weather"]}, "events", "unknown_event"),
    ],
)
def test_what_cannot_work_is_refused(api, values, field, code):
    answer = api.post("/api/webhooks", {"url": URL, **values})
    problem = answer.get_json(force=True)
    assert (answer.status_code, problem["code"]) == (422, code)
    assert [one["field"] for one in problem["errors"]] == [field]


def test_a_secret_is_rotated_with_a_grace(api):
    made = create(api).json
    path = f"/api/webhooks/{made['id']}"
    rotated = api.post(f"{path}/rotate-secret", {"graceHours": 2}).json
    assert rotated["secret"] != made["secret"]
    assert rotated["formerSecretUntil"] is not None
    assert api.post(f"{path}/rotate-secret", {"graceHours": 0}).json["formerSecretUntil"] is None
