"""HTTP manners of all operations: pages, what is unchanged, compression, limits, other origins."""

from __future__ import annotations

import gzip
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from flask import Flask

from app.api import manners
from app.clock import utcnow
from app.models import Instance, User
from tests import factories
from tests.api.test_openapi import operations_of

SHOP = "https://shop.example"


@pytest.fixture
def settings(settings):
    """With one other site that may call."""
    return settings.model_copy(update={"cors_origins": [SHOP], "api_rate_limit": 100})


@pytest.fixture
def paths(document, app: Flask, bob: User, linked: Instance) -> list[str]:
    """The address of everything that is read and not waited for, with bob's own in it."""
    with app.app_context():
        chat = factories.chat(linked.account, phone="79161234567")
        message = factories.message(chat)
        contact = factories.contact(linked)
        webhook = factories.endpoint(linked)
        delivery = factories.delivery(webhook)
    ids = {"instance_id": linked.id, "chat_id": chat.phone, "message_id": message.id}
    ids |= {"contact_id": contact.id, "webhook_id": webhook.id, "delivery_id": delivery.id}
    found = [
        re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], name[0]), path)
        for path, method, operation in operations_of(document)
        if method == "get" and "ETag" in operation["responses"]["200"].get("headers", {})
    ]
    return [path for path in found if "{" not in path]


def test_every_list_that_has_an_end_leads_to_its_next_page(document):
    for _, method, operation in operations_of(document):
        if method != "get" or "200" not in operation["responses"]:
            continue
        answer = operation["responses"]["200"]
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        fields = document["components"]["schemas"].get(name, {}).get("properties", {})
        if "nextCursor" in fields or "nextBefore" in fields:
            assert "Link" in answer["headers"], operation["operationId"]


def test_what_reads_is_unchanged_until_it_changes(app: Flask, api, paths):
    client, headers = app.test_client(), {"X-API-Key": api._key}
    assert len(paths) > 12
    api.get("/api/auth/key")  # notes its use, which that answer tells
    for path in paths:
        answer = client.get(path, headers=headers)
        if answer.status_code in {403, 409}:  # for administrators; nothing to link
            continue
        assert answer.status_code == 200, path
        same = headers | {"If-None-Match": answer.headers["ETag"]}
        again = client.get(path, headers=same)
        assert (again.status_code, again.data) == (304, b""), path
        assert again.headers["X-Request-Id"] != answer.headers["X-Request-Id"]


def test_an_answer_that_changed_is_told(api, linked):
    path = f"/api/instances/{linked.id}"
    tag = api.get(path).headers["ETag"]
    api.patch(path, {"name": "Other"})
    assert api.get(path, headers={"If-None-Match": tag}).json["name"] == "Other"


def test_links_lead_through_a_list_to_its_end(app: Flask, api, bob: User):
    with app.app_context():
        made = [factories.instance(bob).id for _ in range(5)]
    path, found = "/api/instances?limit=2", []
    while path:
        answer = api.get(path)
        found += [one["id"] for one in answer.json["items"]]
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("Link", ""))
        path = link[1] if link else ""
        assert not path or parse_qs(urlsplit(path).query)["limit"] == ["2"]
    assert found == made


def test_a_large_answer_is_compressed_for_who_takes_it(app: Flask, api, bob: User):
    with app.app_context():
        for _ in range(3):
            factories.instance(bob, description="a" * 900)
    client, headers = app.test_client(), {"X-API-Key": api._key}
    plain = client.get("/api/instances", headers=headers)
    small = client.get("/api/instances", headers=headers | {"Accept-Encoding": "gzip"})
    assert (plain.content_encoding, small.content_encoding) == (None, "gzip")
    assert len(small.data) < len(plain.data) / 2
    assert json.loads(gzip.decompress(small.data)) == plain.json
    assert small.headers["ETag"] == plain.headers["ETag"]
    assert "Accept-Encoding" in plain.vary
    refused = {"Accept-Encoding": "gzip;q=0"}
    assert client.get("/api/instances", headers=headers | refused).content_encoding is None


def test_who_asks_too_often_has_to_wait(app: Flask, api, anonymous):
    start = utcnow().replace(second=30, microsecond=0)
    with time_machine.travel(start, tick=False):
        left = [int(api.get("/api/auth/me").headers["RateLimit-Remaining"]) for _ in range(100)]
        assert left == list(range(99, -1, -1))
        answer = api.get("/api/auth/me")
        assert (answer.status_code, answer.get_json(force=True)["code"]) == (429, "rate_limited")
        assert 0 < int(answer.headers["Retry-After"]) <= manners.WINDOW
        assert answer.headers["RateLimit-Limit"] == "100"
        other = api.get("/api/openapi.json")
        assert other.status_code == 200
    with time_machine.travel(start.replace(second=59), tick=False):
        assert api.get("/api/auth/me").status_code == 429
    with time_machine.travel(start.timestamp() + 31, tick=False):
        assert api.get("/api/auth/me").status_code == 200


def test_each_key_is_counted_by_itself(api, anonymous):
    made = api.post("/api/keys", {"name": "A", "scopes": ["read"]}).json["apiKey"]
    answer = anonymous.get("/api/instances", headers={"X-API-Key": made})
    assert answer.headers["RateLimit-Remaining"] == "99"


def test_without_redis_nobody_is_counted(app: Flask, api):
    app.extensions["redis"].connection_pool.disconnect()
    app.extensions["redis"] = type(app.extensions["redis"])(unix_socket_path="/nowhere.sock")
    answer = api.get("/api/auth/me")
    assert answer.status_code == 200
    assert "RateLimit-Limit" not in answer.headers


def test_a_page_of_an_allowed_site_may_call(app: Flask, api):
    client = app.test_client()
    asked = {
        "Origin": SHOP,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key",
    }
    allowed = client.options("/api/instances", headers=asked)
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (204, SHOP)
    assert "X-API-Key" in allowed.headers["Access-Control-Allow-Headers"]
    answer = api.get("/api/instances", headers={"Origin": SHOP})
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "Access-Control-Allow-Credentials" not in answer.headers
    refused = client.get("/api/instances", headers={"Origin": SHOP})  # a program must read why
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, SHOP)


@pytest.mark.parametrize("origin", ["https://other.example", "null", f"{SHOP}.example"])
def test_no_other_site_may(app: Flask, api, origin):
    client = app.test_client()
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for answer in (
        client.options("/api/instances", headers=asked),
        api.get("/api/instances", headers={"Origin": origin}),
        client.get("/login", headers={"Origin": SHOP}),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_every_operation_refuses_in_the_callers_language_with_an_id(app: Flask, document):
    client = app.test_client()
    for path, method, operation in operations_of(document):
        if not operation["security"]:
            continue
        answer = client.open(
            re.sub(r"\{\w+\}", "x", path), method=method, headers={"Accept-Language": "ru"}
        )
        problem = answer.get_json(force=True)
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json"), path
        assert problem["detail"] == "Передайте API ключ или токен.", path
        assert problem["requestId"] == answer.headers["X-Request-Id"]


def test_every_body_names_the_fields_that_are_wrong(app: Flask, api, document, linked):
    for path, method, operation in operations_of(document):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content or path.startswith(("/api/users", "/api/invit")):
            continue
        place = path.replace("{instance_id}", linked.id)
        answer = api.call(method.upper(), place, json={"noSuchField": 1})
        if answer.status_code == 429:
            pytest.fail("more operations than the limit of this test lets through")
        assert answer.status_code == 422, path
        errors = {one["field"]: one["code"] for one in answer.json["errors"]}
        assert errors["noSuchField"] == "extra_forbidden", path
