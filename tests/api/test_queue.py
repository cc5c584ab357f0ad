"""The queue and the journal over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import utcnow
from app.core.events import iso
from app.services import activity
from app.transaction import transaction
from tests import factories
from tests.queries import selects


@pytest.fixture
def queued(app, linked):
    """Three queued messages of `linked`, by id."""
    with app.app_context():
        chat = factories.chat(linked.account)
        values = {"direction": "out", "status": "queued", "source": "api", "wa_id": None}
        return [factories.message(chat, **values).id for _ in range(3)]


def test_the_queue_is_listed_page_by_page_with_reasons(api, linked, queued):
    page = api.get(f"/api/instances/{linked.id}/queue?limit=2").get_json()
    assert [one["message"]["id"] for one in page["items"]] == queued[:2]
    assert page["items"][0]["waitsFor"] == "turn"
    assert page["total"] == 3
    rest = api.get(f"/api/instances/{linked.id}/queue?cursor={page['nextCursor']}").get_json()
    assert [one["position"] for one in rest["items"]] == [3]
    assert rest["nextCursor"] is None


def test_the_queue_takes_as_many_queries_however_long_it_is(app, api, linked, queued):
    counts = []
    for limit in (1, 3):
        with app.app_context(), selects() as statements:
            api.get(f"/api/instances/{linked.id}/queue?limit={limit}")
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_message_is_cancelled_once(api, linked, queued):
    path = f"/api/instances/{linked.id}/messages/{queued[0]}/cancel"
    assert api.post(path).get_json()["status"] == "cancelled"
    again = api.post(path)
    assert (again.status_code, again.get_json(force=True)["code"]) == (409, "not_queued")


def test_the_whole_queue_is_cancelled(api, linked, queued):
    assert api.delete(f"/api/instances/{linked.id}/queue").get_json() == {"cancelled": 3}
    assert api.get(f"/api/instances/{linked.id}/queue").get_json()["total"] == 0


def test_the_journal_tells_what_a_program_did_and_for_whom(api, linked, queued, bob):
    api.delete(f"/api/instances/{linked.id}/queue")
    (line,) = api.get(f"/api/instances/{linked.id}/activity").get_json()["items"]
    assert (line["kind"], line["group"]) == ("message:queue:cancelled", "messages")
    assert line["detail"] == {"count": 3}
    assert line["actor"] == {"id": bob.id, "name": "Bob", "via": "key"}


def test_the_journal_is_filtered_and_paged(app, api, linked):
    with app.app_context():
        for kind in ("instance:phone:linked", "webhook:endpoint:saved", "webhook:endpoint:saved"):
            with transaction():
                activity.record(kind, instance=linked)
    path = f"/api/instances/{linked.id}/activity?group=webhooks&limit=1"
    first = api.get(path).get_json()
    rest = api.get(f"{path}&cursor={first['nextCursor']}").get_json()
    assert [line["group"] for line in first["items"] + rest["items"]] == ["webhooks", "webhooks"]
    assert rest["nextCursor"] is None


def test_an_unknown_group_is_refused(api, linked):
    answer = api.get(f"/api/instances/{linked.id}/activity?group=everything")
    assert answer.status_code == 422


def test_deleting_can_leave_the_device_alone(api, linked):
    assert api.delete(f"/api/instances/{linked.id}?logOut=false").status_code == 204
    assert api.get(f"/api/instances/{linked.id}").status_code == 404


def test_a_queue_is_paused_with_a_reason_and_resumed(api, linked, queued):
    path = f"/api/instances/{linked.id}/queue"
    state = api.post(f"{path}/pause", json={"reason": "Stocktaking"}).get_json()
    assert (state["paused"], state["pausedBy"], state["reason"]) == (True, "Bob", "Stocktaking")
    page = api.get(path).get_json()
    assert page["items"][0]["waitsFor"] == "pause"
    assert page["state"] == state
    again = api.post(f"{path}/pause", json={})
    assert (again.status_code, again.get_json(force=True)["code"]) == (409, "queue_paused")
    assert api.post(f"{path}/resume").get_json()["paused"] is False
    again = api.post(f"{path}/resume")
    assert (again.status_code, again.get_json(force=True)["code"]) == (409, "queue_not_paused")


def test_a_message_is_sent_later_and_good_for_a_while(api, linked):
    body = {"to": "+79161234567", "text": "Hi", "sendAt": "2099-01-01T10:00:00+03:00"}
    refused = api.post(f"/api/instances/{linked.id}/send", json=body)
    assert refused.get_json(force=True)["code"] == "send_at_far"
    at = utcnow() + timedelta(days=1)
    body |= {"sendAt": at.isoformat(), "ttl": 600}
    message = api.post(f"/api/instances/{linked.id}/send", json=body).get_json()["message"]
    assert message["sendAt"] == iso(at)
    assert message["expiresAt"] == iso(at + timedelta(minutes=10))
    assert message["status"] == "queued"


def test_a_time_without_a_zone_is_refused(api, linked):
    body = {"to": "+79161234567", "text": "Hi", "sendAt": "2026-12-24T10:00:00"}
    answer = api.post(f"/api/instances/{linked.id}/send", json=body)
    assert answer.status_code == 422
    assert answer.get_json(force=True)["code"] == "send_at_without_zone"
