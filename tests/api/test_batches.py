"""Many messages in one request; and keys that make a repeated one harmless."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app.clock import utcnow
from app.core.events import iso

ANNA, BORIS = {"to": "+7 916 123-45-67", "text": "Hi"}, {"to": "+7 916 765-43-21", "text": "Hi"}


def send(api, instance, *messages):
    return api.post(f"/api/instances/{instance.id}/send/batch", {"messages": list(messages)})


def send_one(api, instance, key, **body):
    headers = {"Idempotency-Key": key}
    return api.post(f"/api/instances/{instance.id}/send", ANNA | body, headers=headers)


def test_each_message_has_a_result_of_its_own(api, linked):
    bad = {"to": "nobody", "text": "Hi"}
    place = {"to": "+7 916 123-45-67", "location": {"latitude": 1, "longitude": 2}}
    answer = send(api, linked, ANNA, bad, BORIS | {"text": " "}, place)
    assert answer.status_code == 200
    assert (answer.json["accepted"], answer.json["refused"]) == (2, 2)
    items = answer.json["items"]
    assert [one["status"] for one in items] == [202, 422, 422, 202]
    assert [one["problem"] and one["problem"]["code"] for one in items] == [
        *(None, "bad_phone", "text_missing", None)
    ]
    waiting = api.get(f"/api/instances/{linked.id}/queue").json["items"]
    assert [one["message"]["id"] for one in waiting] == [
        items[0]["message"]["id"],
        items[3]["message"]["id"],
    ]


def test_a_batch_that_is_sent_twice_is_sent_once(api, linked):
    messages = [ANNA | {"idempotencyKey": "a"}, BORIS | {"idempotencyKey": "b"}]
    first, second = (send(api, linked, *messages).json for _ in range(2))
    assert first == second
    conflict = send(api, linked, ANNA | {"idempotencyKey": "a", "text": "Other"}).json["items"][0]
    assert (conflict["status"], conflict["problem"]["code"]) == (409, "idempotency_conflict")


def test_files_are_sent_one_by_one(api, linked):
    [item] = send(api, linked, {"to": "+79161234567", "file": {"data": "AAAA"}}).json["items"]
    assert item["problem"]["code"] == "file_in_batch"


@pytest.mark.parametrize(("messages", "code"), [([], "too_short"), ([ANNA] * 101, "too_long")])
def test_a_batch_has_its_size(api, linked, messages, code):
    answer = send(api, linked, *messages)
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (422, code)


def test_a_wrong_field_is_named_with_its_place(api, linked):
    answer = send(api, linked, ANNA, ANNA | {"ttl": "long"})
    assert answer.json["errors"][0]["field"] == "messages.1.ttl"


@pytest.mark.parametrize("other", [{"text": "Bye"}, {"ttl": 60}, {"to": "+79167654321"}])
def test_a_key_stands_for_all_that_was_said(api, linked, other):
    first = send_one(api, linked, "k", ttl=3600)
    again = send_one(api, linked, "k", ttl=3600)
    assert (again.status_code, again.json) == (first.status_code, first.json)
    answer = send_one(api, linked, "k", **{"ttl": 3600} | other)
    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_conflict")


def test_a_key_stands_for_the_time_as_well(api, linked):
    later, latest = (iso(utcnow() + timedelta(hours=hours)) for hours in (1, 2))
    assert send_one(api, linked, "k", sendAt=later).status_code == 202
    assert send_one(api, linked, "k", sendAt=later).status_code == 202
    assert send_one(api, linked, "k", sendAt=latest).json["code"] == "idempotency_conflict"


def test_a_key_is_free_after_a_day(api, linked):
    first = send_one(api, linked, "k").json["message"]["id"]
    start = utcnow()
    with time_machine.travel(start + timedelta(hours=23)):
        assert send_one(api, linked, "k").json["message"]["id"] == first
    with time_machine.travel(start + timedelta(hours=25)):
        assert send_one(api, linked, "k", text="New").json["message"]["id"] != first
