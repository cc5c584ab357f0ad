"""Statistics by the API: the same numbers as on the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from app.jobs import statistics as job
from app.services import api_calls, counting
from app.services.counting import Counted
from app.transaction import transaction
from tests import factories

NOW = datetime(2026, 3, 30, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def that_day():
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def count(app, instance):
    def add(counter, number, at=NOW):
        with app.app_context(), transaction():
            counting.count(Counted(counter, at, instance.id, number=number))

    return add


def test_a_person_gets_totals_and_each_instance(api, instance, linked, count):
    for counter, number in (("sent", 8), ("delivered", 6), ("read", 2), ("media_sent", 1)):
        count(counter, number)
    count("sent", 4, NOW - 9 * DAY)
    count("webhook_calls", 2)
    count("webhook_ms", 80)
    count("sent", 1, NOW - 50 * DAY)
    answer = api.get("/api/stats/user?period=week&timeZone=Europe/Moscow").get_json()
    assert (answer["period"], answer["timeZone"]) == ("week", "Europe/Moscow")
    assert (answer["from"], answer["to"]) == (
        "2026-03-23T21:00:00.000Z",
        "2026-03-30T10:00:00.000Z",
    )
    assert answer["totals"]["sent"] == 8
    assert answer["before"]["sent"] == 4
    assert (answer["deliveryRate"], answer["readRate"]) == (0.75, 0.25)
    assert (answer["webhookSuccessRate"], answer["webhookMeanMs"]) == (0, 40)
    assert [(one["name"], one["sent"], one["mediaSent"]) for one in answer["instances"]] == [
        ("Linked", 0, 0),
        ("Shop", 8, 1),
    ]
    assert [step["sent"] for step in answer["steps"]] == [0, 0, 0, 0, 0, 0, 8]


def test_an_instance_has_its_own(api, instance, linked, count):
    count("received", 3, NOW - 20 * DAY)
    one = api.get(f"/api/stats/instances/{instance.id}?period=month").get_json()
    other = api.get(f"/api/stats/instances/{linked.id}?period=month").get_json()
    assert (one["totals"]["received"], other["totals"]["received"]) == (3, 0)
    assert one["hours"][9] == 3
    assert "instances" not in one


def test_what_is_somebody_elses_is_not_there(api, foreign):
    assert api.get(f"/api/stats/instances/{foreign.id}").status_code == 404


def test_a_key_for_one_instance_reads_that_one_alone(api, anonymous, instance, linked, count):
    count("sent", 8)
    asked = {"name": "A", "scopes": ["read"], "instanceIds": [instance.id]}
    key = {"X-API-Key": api.post("/api/keys", asked).json["apiKey"]}

    def told(path):
        answer = anonymous.get(f"/api/stats/{path}", headers=key)
        return answer.status_code, answer.get_json(force=True).get("code")

    own, other = f"instances/{instance.id}", f"instances/{linked.id}"
    assert told(own) == (200, None)
    assert told(f"chats?instanceId={instance.id}") == (200, None)
    for path in ("user", "chats", other, f"chats?instanceId={linked.id}"):
        assert told(path) == (403, "outside_key"), path


@pytest.mark.parametrize(
    "query", ["period=day", "timeZone=Mars/Base", "timeZone=../../etc/passwd", "timeZone=%00"]
)
def test_a_wrong_period_or_zone_is_refused(api, query):
    answer = api.get(f"/api/stats/user?{query}")
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] in {"period", "timeZone"}


def test_calls_are_counted_for_who_made_them_and_the_instance_they_were_about(
    app, api, anonymous, instance, foreign
):
    api.get(f"/api/instances/{instance.id}")
    api.get(f"/api/instances/{instance.id}/contacts?limit=0")  # refused, and called all the same
    api.get(f"/api/instances/{foreign.id}")
    anonymous.get(f"/api/instances/{instance.id}")
    with app.app_context():
        api_calls.hand_over()
        job.flush_calls()
    answer = api.get("/api/stats/user").get_json()
    assert answer["totals"]["apiCalls"] == 3
    assert [one["apiCalls"] for one in answer["instances"]] == [2]


def test_the_busiest_chats_come_first(app, api, linked, foreign):
    with app.app_context():
        chats = [factories.chat(linked.account, name=name) for name in ("Anna", "Boris")]
        with transaction():
            for chat, number in zip(chats, (1, 2), strict=True):
                count = Counted("sent", NOW, linked.id, chat_id=chat.id, number=number)
                counting.count(count)
    items = api.get(f"/api/stats/chats?instanceId={linked.id}").get_json()["items"]
    assert [(one["name"], one["sent"]) for one in items] == [("Boris", 2), ("Anna", 1)]
    assert api.get(f"/api/stats/chats?instanceId={foreign.id}").status_code == 404
