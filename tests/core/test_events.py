"""Webhook events and their exact body."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.core.events import (
    Event,
    Subscription,
    body_of,
    connection_event,
    iso,
    subscription_for,
)
from app.core.states import InstanceState

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


@pytest.mark.parametrize("event", [Event.MESSAGE_RECEIVED, Event.MESSAGE_SENT, Event.CALL_RECEIVED])
def test_what_is_no_status_and_no_connection_is_chosen_by_its_name(event):
    assert subscription_for(event, {}) == event.value


@pytest.mark.parametrize("event", [Event.CONNECTED, Event.DISCONNECTED, Event.LOGGED_OUT])
def test_what_becomes_of_the_connection_is_one_choice(event):
    assert subscription_for(event, {}) == Subscription.CONNECTION


@pytest.mark.parametrize(
    ("seen", "to", "event"),
    [
        (InstanceState.CONNECTING, InstanceState.CONNECTED, Event.CONNECTED),
        (InstanceState.CONNECTED, InstanceState.DISCONNECTED, Event.DISCONNECTED),
        (InstanceState.CONNECTING, InstanceState.DISCONNECTED, None),
        (InstanceState.DISCONNECTED, InstanceState.CONNECTING, None),
        (InstanceState.CONNECTING, InstanceState.FAILED, Event.DISCONNECTED),
        (InstanceState.PAIRING, InstanceState.FAILED, None),
        (InstanceState.CONNECTED, InstanceState.STOPPED, Event.DISCONNECTED),
        (InstanceState.CONNECTED, InstanceState.LOGGED_OUT, Event.LOGGED_OUT),
    ],
)
def test_a_drop_of_the_connection_is_told_once_and_a_failed_try_is_not(seen, to, event):
    assert connection_event(seen, to) is event


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
