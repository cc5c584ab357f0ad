"""Endpoints: saved with what can work only, told of what they chose."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.clock import utcnow
from app.core.errors import Conflict, Invalid
from app.core.events import Event
from app.core.states import InstanceState
from app.extensions import db
from app.models import Activity, Delivery, Endpoint, Instance
from app.services import deletions, instances, outbox, webhooks
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
    assert len(bell.queue(outbox.QUEUE)) == 0
    save(instance, bob, enabled=True)
    assert len(bell.queue(outbox.QUEUE)) == 1


def events_told(instance, chosen: list[str], event: Event, **data: str) -> int:
    factories.endpoint(instance, events=chosen)
    with transaction():
        outbox.emit(instance.id, event, data)
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


def test_a_lost_connection_is_told_once_with_its_reason(instance):
    factories.endpoint(instance, events=["connection"])
    instance.state = InstanceState.CONNECTED
    db.session.commit()

    for to, reason in (
        (InstanceState.DISCONNECTED, "no_answer"),
        (InstanceState.CONNECTING, None),
        (InstanceState.DISCONNECTED, "network_unreachable"),
        (InstanceState.CONNECTING, None),
        (InstanceState.CONNECTED, None),
    ):
        with transaction():
            instances.move(instance, to, reason=reason)

    told = [json.loads(one.body) for one in db.session.scalars(select(Delivery))]
    assert [(one["event"], one["data"]["reason"]) for one in told] == [
        ("disconnected", "no_answer"),
        ("connected", None),
    ]
    assert told[0]["data"]["timestamp"] < told[1]["data"]["timestamp"]


def make(owner, instance=None, **values) -> Endpoint:
    with transaction():
        return webhooks.create(
            owner, instance, webhooks.Wish(**{"url": URL, **values}), actor=owner
        )


def told() -> list[str]:
    return sorted(db.session.scalars(select(Delivery.endpoint_id)))


def test_every_endpoint_of_an_instance_is_told(instance, bob, emit):
    first, second = make(bob, instance), make(bob, instance, url="https://other.example/")
    emit()
    assert told() == sorted([first.id, second.id])


def test_an_endpoint_for_all_is_told_of_every_instance_of_its_owner(instance, bob, charlie, emit):
    everywhere = make(bob)
    make(charlie)
    emit()
    assert told() == [everywhere.id]
    assert db.session.scalar(select(Delivery.instance_id)) == instance.id


@pytest.mark.parametrize("same", [URL, "HTTPS://Shop.example:443/hook", f"{URL}#part"])
def test_one_address_is_told_of_an_event_once(instance, bob, emit, same):
    make(bob, url=same)
    own = make(bob, instance)
    make(bob, instance)
    emit()
    assert told() == [own.id]


def test_an_address_is_told_by_whichever_of_its_endpoints_wants_the_event(instance, bob, emit):
    make(bob, instance, events=["message_sent"])
    everywhere = make(bob)
    emit()
    assert told() == [everywhere.id]


def test_another_path_is_another_receiver(instance, bob, emit):
    make(bob, instance)
    make(bob, instance, url=f"{URL}?shop=2")
    emit()
    assert len(told()) == 2


def test_the_form_of_the_instance_edits_its_first_endpoint(instance, bob):
    first, second = make(bob, instance), make(bob, instance, url="https://other.example/")
    save(instance, bob, url="https://changed.example/")
    assert db.session.get_one(Endpoint, first.id).url == "https://changed.example/"
    assert db.session.get_one(Endpoint, second.id).url == "https://other.example/"


def test_the_form_leaves_what_it_does_not_show(instance, bob):
    make(bob, instance, timeout_ms=3000, max_interval_ms=120_000)
    saved = save(instance, bob)
    assert (saved.timeout_ms, saved.max_interval_ms) == (3000, 120_000)


def test_an_endpoint_for_all_outlives_an_instance_and_its_deliveries_do_not(instance, bob, emit):
    everywhere = make(bob)
    emit()
    with transaction():
        deletions.delete(db.session.get_one(Instance, instance.id), actor=bob)
    assert [one.id for one in webhooks.all_of(bob)] == [everywhere.id]
    assert told() == []


def test_there_is_an_end_to_the_number_of_endpoints(instance, bob, monkeypatch):
    monkeypatch.setattr(webhooks, "MAX_ENDPOINTS", 2)
    make(bob, instance), make(bob, instance), make(bob)
    with pytest.raises(Conflict):
        make(bob, instance)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"timeout_ms": 500}, "timeout"),
        ({"timeout_ms": 31_000}, "timeout"),
        ({"max_interval_ms": 59_999}, "maxRetryInterval"),
        ({"max_interval_ms": 21_600_001}, "maxRetryInterval"),
    ],
)
def test_limits_outside_what_can_be_are_refused(instance, bob, values, field):
    with pytest.raises(Invalid) as refused:
        make(bob, instance, **values)
    assert refused.value.field == field


def test_a_replaced_secret_counts_for_a_day(instance, bob):
    endpoint = save(instance, bob, secret="the old one")
    saved = save(instance, bob, secret="the new one")
    assert (saved.secret, saved.former_at(utcnow())) == ("the new one", "the old one")
    assert endpoint.former_at(utcnow() + timedelta(hours=25)) is None


def test_saving_the_secret_it_has_begins_no_grace(instance, bob):
    save(instance, bob, secret="the old one")
    assert save(instance, bob, secret="the old one").former_secret is None


def test_a_new_endpoint_has_no_former_secret(instance, bob):
    assert save(instance, bob, secret="typed by hand").former_secret is None


def test_a_former_secret_can_be_ended_at_once(instance, bob):
    endpoint = make(bob, instance)
    with transaction():
        webhooks.rotate_secret(endpoint, actor=bob)
        webhooks.forget_former_secret(endpoint, actor=bob)
    assert endpoint.former_at(utcnow()) is None


def test_a_rotation_without_grace_ends_the_former_secret(instance, bob):
    endpoint = make(bob, instance)
    with transaction():
        webhooks.rotate_secret(endpoint, actor=bob, grace=timedelta(0))
    assert (endpoint.former_secret, endpoint.former_until) == (None, None)
