"""Webhook events and their exact body."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.core.events import Event, Subscription, body_of, iso, subscription_for

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def test_body_has_the_specifications_fields_and_the_instance_twice():
    body = json.loads(body_of(Event.MESSAGE_RECEIVED, {"body": "Hi"}, instance_id="ins_1", now=NOW))
    assert body == {
        "event": "message_received",
        "instanceId": "ins_1",
        "data": {"instanceId": "ins_1", "body": "Hi"},
        "timestamp": "2026-03-01T12:30:15.123Z",
    }


def test_body_is_plain_utf_8():
    body = body_of(Event.MESSAGE_RECEIVED, {"body": "Привет 🙂"}, instance_id="i", now=NOW)
    assert "Привет 🙂".encode() in body


def test_time_is_told_in_utc_with_milliseconds():
    moscow = NOW.astimezone(timezone(timedelta(hours=3)))
    assert iso(moscow) == "2026-03-01T12:30:15.123Z"


def test_every_event_but_the_status_is_chosen_by_its_name():
    for event in set(Event) - {Event.MESSAGE_STATUS}:
        assert subscription_for(event, {}) == event.value


@pytest.mark.parametrize(
    ("status", "subscription"),
    [
        ("delivered", Subscription.DELIVERY),
        ("read", Subscription.READ),
        ("played", Subscription.READ),
    ],
)
def test_a_status_is_chosen_by_delivery_or_by_read(status, subscription):
    assert subscription_for(Event.MESSAGE_STATUS, {"status": status}) == subscription
