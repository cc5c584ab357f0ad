"""docs/webhooks.md: its examples are what is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import delete, select

from app.clock import utcnow
from app.core.details import Poll, as_data
from app.core.events import Event, Subscription
from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.jobs import notices as notice_jobs
from app.jobs import webhooks as job
from app.models import Delivery, Endpoint, Instance, Message
from app.services import (
    amendments,
    arrivals,
    calls,
    contact_imports,
    delivery_log,
    instances,
    messaging,
    outbox,
    pairings,
    progress,
)
from app.services.amendments import Author
from app.transaction import transaction
from tests import factories
from tests.receiver import Reply, running_receiver

DOCUMENT_PATH = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"
DOCUMENT = DOCUMENT_PATH.read_text()
SCHEMA = json.loads((DOCUMENT_PATH.parent / "webhooks.schema.json").read_text())


def schema_of(event: str) -> Draft202012Validator:
    shape = SCHEMA["$defs"][event] | {"$defs": SCHEMA["$defs"]}
    return Draft202012Validator(shape, format_checker=FormatChecker())


@pytest.mark.parametrize("event", Event)
def test_every_event_has_an_example_of_its_shape(event):
    example = example_of(event)
    schema_of(event).validate(example)
    shape = SCHEMA["$defs"][event]["properties"]["data"]
    assert list(example["data"]) == list(shape["properties"])


def test_every_shape_is_that_of_an_event():
    assert set(SCHEMA["$defs"]) - {"moment"} == set(Event)


@pytest.fixture
def told(instance, receiver) -> Callable[[], dict]:
    """What the receiver, which chose every event, was sent: the shape that is documented."""
    endpoint = factories.endpoint(instance, url=receiver.url, events=list(Subscription))

    def look() -> dict:
        job.drain(endpoint.id)
        [event] = [json.loads(body) for body in receiver.bodies]
        schema_of(event["event"]).validate(event)
        assert list(event["data"]) == list(example_of(event["event"])["data"])
        return event

    return look


def test_a_test_of_a_webhook_is_told(told):
    endpoint = db.session.scalars(select(Endpoint)).one()
    with transaction():
        delivery_log.send_test(endpoint)
    assert told()["data"]["webhookId"] == endpoint.id


@pytest.fixture
def outgoing(instance) -> Message:
    """A message that is being sent."""
    chat = factories.chat(factories.linked_account(instance))
    return factories.message(
        chat, direction="out", status=MessageStatus.SENDING, source="api", wa_id=None
    )


def test_a_message_that_failed_is_told_with_the_reason(told, outgoing):
    with transaction():
        messaging.refused(outgoing, "not_on_whatsapp")
        messaging.refused(outgoing, "not_on_whatsapp")
    event = told()
    assert (event["event"], event["data"]["reason"]) == ("message_failed", "not_on_whatsapp")


def test_a_message_that_expired_is_told_as_failed(told, instance):
    chat = factories.chat(factories.linked_account(instance))
    long_ago = utcnow() - timedelta(minutes=1)
    factories.message(
        chat, direction="out", status=MessageStatus.QUEUED, source="ui", expires_at=long_ago
    )
    with transaction():
        messaging.expire()
    event = told()
    assert (event["event"], event["data"]["reason"]) == ("message_failed", "expired")


def test_a_message_that_may_have_gone_is_told_so(told, outgoing):
    with transaction():
        messaging.unconfirmed(outgoing, "3EB0")
    assert told()["event"] == "message_unconfirmed"


def test_a_message_that_whatsapp_accepted_is_told(told, outgoing):
    with transaction():
        messaging.sent(outgoing, "3EB0", utcnow())
    assert told()["event"] == "message_sent"


def test_a_vote_in_a_poll_is_told(told, instance):
    details = as_data(Poll("When?", ("Today", "Tomorrow"), 1))
    chat = factories.chat(factories.linked_account(instance))
    poll = factories.message(chat, kind="poll", body="When?", details=details, source="api")
    anna = Author(from_me=False, lid="77", name="Anna")
    with transaction():
        amendments.vote(poll, anna, ["Tomorrow"], utcnow(), is_news=True)
    event = told()
    assert (event["event"], event["data"]["options"]) == ("poll_vote", ["Tomorrow"])


def test_a_vote_of_ours_that_expired_is_told_as_any_message(told, outgoing):
    with transaction() as session:
        vote = session.get_one(Message, outgoing.id)
        vote.kind, vote.target_id = "vote", "msg_poll"
        vote.details = {"vote": {"options": ["Tomorrow"]}}
    with transaction():
        messaging.refused(vote, "expired")
    assert told()["data"]["type"] == "vote"


def test_a_status_is_told(told, outgoing):
    with transaction() as session:
        session.get_one(Message, outgoing.id).status = MessageStatus.SENT
    with transaction() as session:
        progress.lift(session.get_one(Message, outgoing.id), MessageStatus.DELIVERED, utcnow())
    assert told()["data"]["status"] == "delivered"


@pytest.mark.parametrize(
    ("seen", "to", "event"),
    [
        (InstanceState.CONNECTING, InstanceState.CONNECTED, "connected"),
        (InstanceState.CONNECTED, InstanceState.DISCONNECTED, "disconnected"),
        (InstanceState.CONNECTED, InstanceState.LOGGED_OUT, "logged_out"),
    ],
)
def test_what_becomes_of_the_connection_is_told(told, instance, seen, to, event):
    with transaction() as session:
        session.get_one(Instance, instance.id).state = seen
    with transaction() as session:
        instances.move(session.get_one(Instance, instance.id), to, reason="phone_logged_out")
    assert told()["event"] == event


def test_a_qr_code_is_told_and_a_code_for_the_phone_is_not(told, instance, bob):
    with transaction():
        pairing = pairings.start_by_qr(instance)
        pairings.show_code(pairing, "2@abc", utcnow())
    assert told()["data"]["qrCode"] == "2@abc"


def test_a_code_to_type_on_the_phone_is_told_to_nobody(instance, receiver):
    factories.endpoint(instance, url=receiver.url, events=list(Subscription))
    with transaction():
        pairing = pairings.start_by_phone_code(instance, phone="+79161234567", country="RU")
        pairings.show_code(pairing, "ABCD1234", utcnow())
    assert db.session.scalars(select(Delivery)).all() == []


def test_an_import_of_contacts_is_told(told, instance):
    account = factories.linked_account(instance)
    factories.whatsapp_contact(account)
    row = factories.contact_import(account)
    while contact_imports_run(row.id):
        pass
    event = told()
    assert (event["event"], event["data"]["imported"]) == ("contacts_imported", 1)


def contact_imports_run(import_id: str) -> bool:
    with transaction():
        return contact_imports.copy_batch(import_id)


def test_a_webhook_that_is_gone_is_told_to_the_others(told, instance, receiver):
    with running_receiver() as gone:
        gone.otherwise = Reply(status=410)
        dead = factories.endpoint(instance, url=gone.url, events=list(Subscription))
        with transaction():
            outbox.emit(instance.id, Event.MESSAGE_RECEIVED, {"body": "x"})
        with transaction() as session:  # the other endpoint is not asked for this one
            others = delete(Delivery).where(Delivery.endpoint_id != dead.id)
            session.execute(others)
        job.drain(dead.id)
        job.drain(dead.id)
        assert len(gone.requests) == 1
    event = told()
    assert (event["event"], event["data"]["webhookId"]) == ("webhook_disabled", dead.id)


@pytest.mark.parametrize("event", ["notice_raised", "notice_resolved"])
def test_a_notice_is_told_when_it_comes_and_when_it_goes(told, instance, event):
    factories.linked_account(instance)
    _be_in_trouble(instance, since=utcnow() - timedelta(minutes=2))
    notice_jobs.look()
    if event == "notice_resolved":
        with transaction() as session:
            session.execute(delete(Delivery))
        _be_in_trouble(instance, since=None)
        notice_jobs.look()
    said = told()
    assert (said["event"], said["data"]["reason"]) == (event, "network_unreachable")


def _be_in_trouble(instance, *, since):
    with transaction() as session:
        row = session.get_one(Instance, instance.id)
        row.problem, row.problem_since = "network_unreachable", since


def example_of(event: str) -> dict:
    """The document's example of this event."""
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.S)]
    [example] = [block for block in blocks if block["event"] == event]
    return example


def test_the_example_of_a_call_has_the_fields_that_are_sent(instance, receiver):
    endpoint = factories.endpoint(instance, url=receiver.url, events=["call_received"])
    account = factories.linked_account(instance)
    offer = calls.Offer("5C0A", "79161234567", "251556368777322", False, False, utcnow())
    with transaction():
        calls.offered(account, offer, reject=False)
        calls.offered(account, offer, reject=False)
    job.drain(endpoint.id)
    [sent] = [json.loads(body) for body in receiver.bodies]
    example = example_of("call_received")
    assert (list(sent), list(sent["data"])) == (list(example), list(example["data"]))


def test_the_example_has_the_fields_that_are_sent(endpoint, instance, receiver):
    example = example_of("message_received")
    account = factories.linked_account(instance)
    chat = factories.chat(account)
    with transaction():
        arrivals.store(
            arrivals.Arrival(
                wa_id="3EB0",
                chat=chat,
                from_me=False,
                kind="text",
                text="Hi",
                at=chat.created_at,
                sender_phone=chat.phone,
                sender_lid=chat.lid,
                sender_name="Anna",
            )
        )
    job.drain(endpoint.id)
    sent = json.loads(receiver.bodies[0])
    assert (list(sent), list(sent["data"])) == (list(example), list(example["data"]))
