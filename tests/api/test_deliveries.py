"""The log of webhooks over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from app.models import Endpoint
from tests import factories

MORNING = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)


@pytest.fixture
def own(app: Flask, linked) -> Endpoint:
    with app.app_context():
        return factories.endpoint(linked)


@pytest.fixture
def told(app: Flask, linked, own: Endpoint) -> list[str]:
    """Ids: one failed, one arrived, one failed at a webhook for all; an hour between them."""
    with app.app_context():
        everywhere = factories.endpoint(linked, instance_id=None, url="https://all.example/")
        made = [
            factories.delivery(own, status="failed", created_at=MORNING),
            factories.delivery(own, created_at=MORNING + timedelta(hours=1)),
            factories.delivery(
                everywhere, status="failed", created_at=MORNING + timedelta(hours=2)
            ),
        ]
        return [one.id for one in made]


def listed(api, query: str = "") -> list[str]:
    return [one["id"] for one in api.get(f"/api/deliveries{query}").json["items"]]


def test_deliveries_of_all_webhooks_are_listed_newest_first_page_by_page(api, told):
    first = api.get("/api/deliveries?limit=2").json
    assert [one["id"] for one in first["items"]] == [told[2], told[1]]
    assert listed(api, f"?limit=2&cursor={first['nextCursor']}") == [told[0]]


def test_deliveries_are_chosen_by_webhook_instance_and_time(api, linked, own, told):
    assert listed(api, f"?webhookId={own.id}") == [told[1], told[0]]
    assert listed(api, f"?instanceId={linked.id}") == [told[1], told[0]]
    assert listed(api, "?since=2026-03-01T08:00:00Z&until=2026-03-01T09:00:00Z") == [told[1]]
    assert api.get(f"/api/deliveries?webhookId={own.id}").json["items"][0]["webhookId"] == own.id


@pytest.mark.parametrize(
    ("chosen", "places"),
    [
        ({}, [2, 0]),
        ({"status": "finished"}, [2, 1, 0]),
        ({"status": "finished", "since": "2026-03-01T08:00:00+00:00"}, [2, 1]),
        ({"status": "delivered"}, [1]),
        ({"until": "2026-03-01T08:00:00Z"}, [0]),
    ],
)
def test_what_is_chosen_is_sent_again(api, told, chosen, places):
    answer = api.post("/api/deliveries/replay", chosen)
    assert (answer.status_code, answer.json) == (202, {"count": len(places)})
    assert listed(api, "?status=pending") == [told[place] for place in places]


def test_somebody_elses_deliveries_are_neither_listed_nor_sent(api_of, charlie, linked, own, told):
    charlies = api_of(charlie)
    assert listed(charlies) == []
    assert charlies.get(f"/api/deliveries?webhookId={own.id}").status_code == 404
    assert charlies.post("/api/deliveries/replay", {"instanceId": linked.id}).status_code == 404
    assert charlies.post("/api/deliveries/replay", {}).json == {"count": 0}


def test_a_time_without_its_zone_is_refused(api):
    answer = api.post("/api/deliveries/replay", {"since": "2026-03-01T08:00:00"})
    assert (answer.status_code, answer.get_json(force=True)["code"]) == (422, "time_without_zone")
