"""The proxy, the presence and the conduct of an instance over the API."""

from __future__ import annotations

import socket

import pytest
from flask import Flask

from app.core.proxies import Proxy
from app.models import Instance
from app.transaction import transaction

SHOWN = {
    "scheme": "socks5",
    "host": "proxy.example.com",
    "port": 1080,
    "username": "shop",
    "hasPassword": True,
}
SAVED = Proxy("socks5", "proxy.example.com", 1080, "shop", "hunter2")


@pytest.fixture
def path(app: Flask, instance: Instance) -> str:
    """The address of an instance with a proxy."""
    with app.app_context(), transaction() as session:
        session.get_one(Instance, instance.id).proxy_url = SAVED.url
    return f"/api/instances/{instance.id}"


def saved_proxy(app: Flask, instance: Instance) -> Proxy | None:
    with app.app_context(), transaction() as session:
        return session.get_one(Instance, instance.id).proxy


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_new_instance_has_no_proxy_and_is_online(api):
    shown = api.post("/api/instances", {"name": "New"}).json
    assert (shown["proxy"], shown["presence"]) == (None, "online")


def test_a_proxy_is_shown_without_its_password(api, path):
    answer = api.get(path)
    assert answer.json["proxy"] == SHOWN
    assert "hunter2" not in answer.text


def test_an_instance_is_sent_back_as_it_was_read_and_keeps_its_proxy(app, api, instance, path):
    answer = api.put(path, api.get(path).json)
    assert answer.status_code == 200
    assert saved_proxy(app, instance) == SAVED


def test_a_change_without_a_proxy_keeps_it(app, api, instance, path):
    assert api.patch(path, {"presence": "never"}).json["presence"] == "never"
    assert saved_proxy(app, instance) == SAVED


def test_null_removes_the_proxy(app, api, instance, path):
    assert api.patch(path, {"proxy": None}).json["proxy"] is None
    assert saved_proxy(app, instance) is None


def test_a_proxy_that_does_not_work_is_refused(app, api, instance, path):
    proxy = {"scheme": "http", "host": "127.0.0.1", "port": closed_port()}
    answer = api.patch(path, {"proxy": proxy})
    assert answer.status_code == 422
    assert answer.json["code"] == "proxy_closed"
    assert saved_proxy(app, instance) == SAVED


def test_a_proxy_that_does_not_work_is_saved_anyway(app, api):
    port = closed_port()
    proxy = {"scheme": "http", "host": "127.0.0.1", "port": port, "username": "a", "password": "b"}
    answer = api.post("/api/instances", {"name": "New", "proxy": proxy, "proxyAnyway": True})
    assert answer.status_code == 201
    assert answer.json["proxy"]["port"] == port
    assert answer.json["proxy"]["hasPassword"] is True


@pytest.mark.parametrize("wrong", [{"presence": "sometimes"}, {"proxy": {"scheme": "ftp"}}])
def test_what_cannot_be_is_refused(api, path, wrong):
    assert api.patch(path, wrong).status_code == 422


def test_pace_and_auto_read_are_set_and_stay_where_they_are_left_out(api, path):
    shown = api.get(path).json
    assert (shown["sendGapSeconds"], shown["autoRead"]) == (None, False)

    api.patch(path, {"sendGapSeconds": 30, "autoRead": True})
    shown = api.patch(path, {"presence": "never"}).json
    assert (shown["sendGapSeconds"], shown["autoRead"]) == (30, True)

    shown = api.patch(path, {"sendGapSeconds": None, "autoRead": False}).json
    assert (shown["sendGapSeconds"], shown["autoRead"]) == (None, False)


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ("off", {"readReceipts": "opening"}, "opening"),
        ("off", {"autoRead": True}, "arrival"),
        ("arrival", {"autoRead": False}, "off"),
        ("opening", {"autoRead": False}, "opening"),
        ("opening", {"readReceipts": "opening", "autoRead": True}, "arrival"),
        ("arrival", {"readReceipts": "opening", "autoRead": True}, "opening"),
        ("arrival", {"readReceipts": "arrival", "autoRead": False}, "off"),
    ],
)
def test_auto_read_is_short_for_read_receipts_and_what_changes_counts(
    api, path, before, change, after
):
    api.patch(path, {"readReceipts": before})
    shown = api.patch(path, change).json
    assert (shown["readReceipts"], shown["autoRead"]) == (after, after == "arrival")


def test_read_receipts_are_set_when_an_instance_is_made(api):
    made = api.post("/api/instances", {"name": "Reads", "readReceipts": "opening"}).json
    assert made["readReceipts"] == "opening"


def test_rejecting_calls_is_switched_on_and_off_and_named_in_the_journal_once(api, path):
    assert api.get(path).json["rejectCalls"] is False
    for on in (True, True, False):
        assert api.patch(path, {"rejectCalls": on}).json["rejectCalls"] is on
    assert api.patch(path, {"presence": "never"}).json["rejectCalls"] is False

    kinds = [line["kind"] for line in api.get(f"{path}/activity").json["items"]]
    rejecting = [kind for kind in kinds if "reject_calls" in kind]
    assert rejecting == ["instance:reject_calls:off", "instance:reject_calls:on"]


@pytest.mark.parametrize("seconds", [0, 601])
def test_a_pace_out_of_range_is_refused(api, path, seconds):
    answer = api.patch(path, {"sendGapSeconds": seconds})
    assert (answer.status_code, answer.json["code"]) == (422, "bad_send_gap")


def test_the_journal_names_a_new_pace_and_auto_read_once(api, path):
    for _ in range(2):
        api.patch(path, {"sendGapSeconds": 30, "autoRead": True})
    kinds = [line["kind"] for line in api.get(f"{path}/activity").json["items"]]
    assert kinds == ["instance:read_receipts:arrival", "instance:pace:changed"]
