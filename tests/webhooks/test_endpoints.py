"""Endpoints: saved with what can work only, told of what they chose."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.errors import Invalid
from app.core.events import Event
from app.extensions import db
from app.models import Activity, Delivery, Endpoint
from app.services import webhooks
from app.services.endpoint_rules import checked_headers, checked_secret, checked_url
from app.transaction import transaction
from tests import factories

URL = "https://shop.example/hook"


def save(instance, actor, **values) -> Endpoint:
    with transaction():
        return webhooks.save_endpoint(instance, actor=actor, **{"url": URL, **values})


def test_a_new_endpoint_is_told_of_messages_received_and_sent(instance, bob):
    endpoint = save(instance, bob)
    assert endpoint.events == ["message_received", "message_sent"]
    assert (endpoint.enabled, endpoint.max_retries, endpoint.retry_interval_ms) == (True, 3, 60_000)


def test_a_new_endpoint_gets_a_secret_of_its_own(instance, bob):
    assert save(instance, bob).secret.startswith("whsec_")


def test_saving_again_changes_the_same_endpoint(instance, bob):
    first = save(instance, bob)
    second = save(instance, bob, url="http://other.example/", headers={"X-A": " 1 "})
    assert first.id == second.id
    assert (second.url, second.headers) == ("http://other.example/", {"X-A": "1"})


def test_saving_without_a_secret_keeps_the_one_there_is(instance, bob):
    before = save(instance, bob, secret="chosen by hand").secret
    assert save(instance, bob).secret == before == "chosen by hand"


def test_saving_is_written_into_the_journal_without_the_secret(instance, bob):
    save(instance, bob, secret="chosen by hand")
    line = db.session.scalar(select(Activity).where(Activity.kind == "webhook:endpoint:saved"))
    assert line.user_id == bob.id
    assert "chosen" not in str(line.detail)


def test_a_rotated_secret_is_a_fresh_one(instance, bob):
    endpoint = save(instance, bob)
    before = endpoint.secret
    with transaction():
        after = webhooks.rotate_secret(endpoint, actor=bob)
    assert after.startswith("whsec_")
    assert after != before


def test_deleting_an_endpoint_takes_its_deliveries_along(instance, endpoint, bob, emit):
    emit()
    with transaction():
        webhooks.delete(webhooks.endpoint_of(instance), actor=bob)
    assert webhooks.endpoint_of(instance) is None
    assert db.session.scalars(select(Delivery)).all() == []


def test_switching_an_endpoint_on_rings_for_what_waited(instance, bob, app):
    from app import bell

    save(instance, bob, enabled=False)
    assert len(bell.queue(webhooks.QUEUE)) == 0
    save(instance, bob, enabled=True)
    assert len(bell.queue(webhooks.QUEUE)) == 1


def events_told(instance, chosen: list[str], event: Event, **data: str) -> int:
    factories.endpoint(instance, events=chosen)
    with transaction():
        webhooks.emit(instance.id, event, data)
    return len(db.session.scalars(select(Delivery)).all())


@pytest.mark.parametrize(
    ("chosen", "event", "status", "told"),
    [
        ("message_received", Event.MESSAGE_RECEIVED, "", 1),
        ("message_received", Event.MESSAGE_SENT, "", 0),
        ("message_sent", Event.MESSAGE_SENT, "", 1),
        ("message_status:delivered", Event.MESSAGE_STATUS, "delivered", 1),
        ("message_status:delivered", Event.MESSAGE_STATUS, "read", 0),
        ("message_status:read", Event.MESSAGE_STATUS, "read", 1),
        ("message_status:read", Event.MESSAGE_STATUS, "played", 1),
        ("message_status:read", Event.MESSAGE_STATUS, "delivered", 0),
    ],
)
def test_an_endpoint_is_told_of_what_it_chose(instance, chosen, event, status, told):
    assert events_told(instance, [chosen], event, status=status) == told


def test_a_status_event_is_named_as_the_specification_names_it(instance):
    events_told(instance, ["message_status:read"], Event.MESSAGE_STATUS, status="read")
    assert db.session.scalar(select(Delivery.event)) == "message_status"


def test_an_endpoint_that_is_off_is_told_nothing(instance, emit):
    factories.endpoint(instance, enabled=False)
    emit()
    assert db.session.scalars(select(Delivery)).all() == []


def test_another_instances_endpoint_is_told_nothing(instance, bob, emit):
    factories.endpoint(factories.instance(bob))
    emit()
    assert db.session.scalars(select(Delivery)).all() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example",
        "https://shop.example:8443/a/b?c=d",
        "http://127.0.0.1:3000/hook",
        "http://[2001:db8::1]/hook",
        "https://магазин.рф/hook",
        "  https://shop.example/hook  ",
    ],
)
def test_a_web_address_is_accepted(url):
    assert checked_url(url) == url.strip()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "bad_url"),
        ("shop.example/hook", "bad_url"),
        ("ftp://shop.example/", "bad_url"),
        ("file:///etc/passwd", "bad_url"),
        ("javascript:alert(1)", "bad_url"),
        ("https://", "bad_url"),
        ("https:///hook", "bad_url"),
        ("https://shop example/", "bad_url"),
        ("https://shop.example/\r\nX-Evil: 1", "bad_url"),
        ("https://shop.example:99999/", "bad_url"),
        ("https://shop.example:port/", "bad_url"),
        (f"https://{'a' * 70}.example/", "bad_url"),
        ("https://[::1", "bad_url"),
        ("https://bob:secret@shop.example/", "url_with_password"),
        ("https://shop.example/" + "a" * 2000, "url_too_long"),
        ("http://169.254.169.254/latest/meta-data", "address_refused"),
        ("http://[::ffff:169.254.169.254]/", "address_refused"),
    ],
)
def test_what_is_no_web_address_is_refused(url, code):
    with pytest.raises(Invalid) as caught:
        checked_url(url)
    assert (caught.value.field, caught.value.code) == ("webhookUrl", code)


@pytest.mark.parametrize("secret", ["12345678", "whsec_" + "A" * 32, "!~ with spaces ~!"])
def test_a_usable_secret_is_accepted(secret):
    assert checked_secret(secret) == secret


@pytest.mark.parametrize(
    "secret",
    ["short", "пароль по-русски", "a" * 201, "whsec_not base64", "whsec_AAAA", "line\nbreak"],
)
def test_an_unusable_secret_is_refused(secret):
    with pytest.raises(Invalid) as caught:
        checked_secret(secret)
    assert caught.value.field == "webhookSecret"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil"}, "reserved_header"),
        ({"content-TYPE": "text/plain"}, "reserved_header"),
        ({"Webhook-Id": "1"}, "reserved_header"),
        ({"X-Webhook-Signature": "1"}, "reserved_header"),
        ({"Transfer-Encoding": "chunked"}, "reserved_header"),
        ({"Proxy-Authorization": "x"}, "reserved_header"),
        ({"": "x"}, "bad_header_name"),
        ({"X A": "x"}, "bad_header_name"),
        ({"X:": "x"}, "bad_header_name"),
        ({"X-Имя": "x"}, "bad_header_name"),
        ({"X-A": "a\r\nX-B: b"}, "bad_header_value"),
        ({"X-A": "значение"}, "bad_header_value"),
        ({"X-A": "a" * 2001}, "bad_header_value"),
        ({"X-A": "1", "x-a": "2"}, "repeated_header"),
        ({f"X-{number}": "1" for number in range(21)}, "too_many_headers"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused(headers, code):
    with pytest.raises(Invalid) as caught:
        checked_headers(headers)
    assert (caught.value.field, caught.value.code) == ("headers", code)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"max_retries": -1}, "maxRetries"),
        ({"max_retries": 21}, "maxRetries"),
        ({"retry_interval_ms": 999}, "retryInterval"),
        ({"retry_interval_ms": 21_600_001}, "retryInterval"),
        ({"events": ["message_eaten"]}, "events"),
        ({"url": "nowhere"}, "webhookUrl"),
    ],
)
def test_wrong_settings_are_refused_by_the_apis_name(instance, bob, values, field):
    with pytest.raises(Invalid) as caught:
        save(instance, bob, **values)
    assert caught.value.field == field
    assert webhooks.endpoint_of(instance) is None
