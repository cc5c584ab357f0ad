"""Sending over the API."""

from __future__ import annotations

import threading
import time

import pytest
from flask import Flask
from sqlalchemy import select

from app import waiting
from app.clock import utcnow
from app.core.states import MessageStatus
from app.extensions import db
from app.models import GroupMember, LinkedAccount, Message
from app.services import messaging, receipts
from app.transaction import transaction
from tests import factories
from tests.waiting import wait_for


def send(api, instance, wait: int = 0, key: str | None = None, **body):
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"to": "+7 916 123-45-67", "text": "Hello", **body}
    return api.post(f"/api/instances/{instance.id}/send?wait={wait}", body, headers=headers)


def stored(app: Flask) -> list[Message]:
    with app.app_context():
        return list(db.session.scalars(select(Message)))


def test_a_sent_message_is_queued_at_once(app, api, linked):
    answer = send(api, linked)
    assert answer.status_code == 202
    message = answer.json["message"]
    assert (message["status"], message["body"]) == ("queued", "Hello")
    assert (message["chatId"], message["source"]) == ("79161234567@s.whatsapp.net", "api")
    assert [row.id for row in stored(app)] == [message["id"]]


PLACE = {"latitude": 55.7539, "longitude": 37.6208, "name": "Shop", "address": "1 Red Square"}
CARDS = [{"name": "Anna", "phones": ["8 916 765-43-21"]}]
POLL = {"question": " When? ", "options": ["Today", "Tomorrow"], "choices": 1}
NO_VOTES = [{"option": option, "votes": 0, "voters": []} for option in ("Today", "Tomorrow")]
ASKED = POLL | {"question": "When?", "voters": 0, "results": NO_VOTES}


@pytest.mark.parametrize(
    ("given", "kind", "body", "kept"),
    [
        ({"location": PLACE}, "location", "Shop, 1 Red Square", {"location": PLACE}),
        (
            {"contacts": CARDS},
            "contacts",
            "Anna",
            {"contacts": [{"name": "Anna", "phones": ["79167654321"]}]},
        ),
        ({"poll": POLL}, "poll", "When?", {"poll": ASKED}),
    ],
)
def test_a_place_contact_cards_or_a_poll_is_queued_in_place_of_a_text(
    api, linked, given, kind, body, kept
):
    answer = send(api, linked, text=None, **given)
    assert answer.status_code == 202
    message = answer.json["message"]
    assert (message["type"], message["body"]) == (kind, body)
    told = {name: message[name] for name in ("location", "contacts", "poll")}
    assert told == dict.fromkeys(told) | kept


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"location": PLACE | {"latitude": 91}}, "location", "bad_location"),
        ({"location": PLACE | {"longitude": -180.5}}, "location", "bad_location"),
        ({"location": PLACE | {"name": "a" * 501}}, "location", "details_too_long"),
        ({"contacts": []}, "contacts", "bad_contacts"),
        ({"contacts": CARDS * 51}, "contacts", "bad_contacts"),
        ({"contacts": [{"name": " ", "phones": ["1"]}]}, "contacts", "contact_name_missing"),
        ({"contacts": [{"name": "A", "phones": []}]}, "contacts", "contact_phones_missing"),
        ({"contacts": [{"name": "A", "phones": ["x"]}]}, "contacts", "bad_phone"),
        ({"poll": POLL | {"question": " "}}, "poll", "bad_poll_question"),
        ({"poll": POLL | {"options": []}}, "poll", "bad_poll_options"),
        ({"poll": POLL | {"options": ["a"]}}, "poll", "bad_poll_options"),
        ({"poll": POLL | {"options": [f"a{n}" for n in range(13)]}}, "poll", "bad_poll_options"),
        ({"poll": POLL | {"options": ["a", " "]}}, "poll", "bad_poll_option"),
        ({"poll": POLL | {"options": ["a", "a "]}}, "poll", "repeated_poll_option"),
        ({"poll": POLL | {"choices": 3}}, "poll", "bad_poll_choices"),
    ],
)
def test_a_place_card_or_poll_that_cannot_be_is_refused_and_not_queued(
    app, api, linked, body, field, code
):
    answer = send(api, linked, text=None, **body)
    assert (answer.status_code, answer.json["field"]) == (422, field)
    assert answer.json["errors"][0]["code"] == code
    assert stored(app) == []


def test_one_message_says_one_thing(app, api, linked):
    answer = send(api, linked, location=PLACE)
    assert (answer.status_code, answer.json["code"]) == (422, "several_contents")
    assert stored(app) == []


def test_the_same_key_for_another_place_is_a_conflict(api, linked):
    send(api, linked, key="order-7", text=None, location=PLACE)
    again = send(api, linked, key="order-7", text=None, location=PLACE)
    other = send(api, linked, key="order-7", text=None, location=PLACE | {"latitude": 1})
    assert (again.status_code, other.status_code) == (202, 409)


def test_a_poll_that_is_sent_again_is_the_same_poll(app, api, linked):
    message_id = send(api, linked, text=None, poll=POLL).json["message"]["id"]
    outcome(app, message_id, "unconfirmed")
    again = settle(api, linked, message_id, "resend").json["message"]
    assert (again["type"], again["poll"]) == ("poll", ASKED)


def test_a_message_can_be_looked_up(api, linked):
    message = send(api, linked).json["message"]
    path = f"/api/instances/{linked.id}/messages/{message['id']}"
    assert api.get(path).json == message | {"receipts": []}


def test_an_unknown_message_is_not_found(api, linked):
    answer = api.get(f"/api/instances/{linked.id}/messages/msg_nothing")
    assert (answer.status_code, answer.json["code"]) == (404, "message_not_found")


def outcome(app: Flask, message_id: str, status: str) -> None:
    """What a session's host wrote down about the message."""
    with app.app_context(), transaction() as session:
        session.get_one(Message, message_id).status = status


def settle(api, instance, message_id: str, act: str):
    return api.post(f"/api/instances/{instance.id}/messages/{message_id}/{act}")


def test_an_unconfirmed_message_is_sent_again_as_a_new_one(app, api, linked):
    message_id = send(api, linked).json["message"]["id"]
    outcome(app, message_id, "unconfirmed")
    answer = settle(api, linked, message_id, "resend")
    assert answer.status_code == 202
    again = answer.json["message"]
    assert (again["status"], again["body"]) == ("queued", "Hello")
    old = api.get(f"/api/instances/{linked.id}/messages/{message_id}").json
    assert (old["status"], old["settled"], old["resentAs"]) == (
        "unconfirmed",
        "resent",
        again["id"],
    )


def test_an_unconfirmed_message_is_left_as_it_is(app, api, linked):
    message_id = send(api, linked).json["message"]["id"]
    outcome(app, message_id, "unconfirmed")
    answer = settle(api, linked, message_id, "dismiss")
    assert (answer.status_code, answer.json["settled"]) == (200, "dismissed")
    assert len(stored(app)) == 1


def test_a_failed_message_is_tried_again(app, api, linked):
    message_id = send(api, linked).json["message"]["id"]
    outcome(app, message_id, "failed")
    answer = settle(api, linked, message_id, "retry")
    assert answer.status_code == 202
    assert answer.json["message"]["id"] == message_id
    assert answer.json["message"]["status"] == "queued"


@pytest.mark.parametrize(
    ("act", "code"),
    [("resend", "not_unconfirmed"), ("dismiss", "not_unconfirmed"), ("retry", "not_failed")],
)
def test_a_queued_message_has_nothing_to_settle(api, linked, act, code):
    answer = settle(api, linked, send(api, linked).json["message"]["id"], act)
    assert (answer.status_code, answer.json["code"]) == (409, code)


@pytest.mark.parametrize("act", ["resend", "dismiss", "retry"])
def test_somebody_elses_message_cannot_be_settled(app, api, linked, foreign, act):
    with app.app_context():
        message = factories.message(factories.chat(foreign.account), status="unconfirmed")
    for instance in (linked, foreign):
        assert settle(api, instance, message.id, act).status_code == 404


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"text": ""}, "text", "text_missing"),
        ({"text": "  \n "}, "text", "text_missing"),
        ({"text": None}, "text", "text_missing"),
        ({"text": 7}, "text", "string_type"),
        ({"text": "a" * 65_537}, "text", "text_too_long"),
        ({"to": "nobody"}, "to", "bad_phone"),
        ({"to": ""}, "to", "bad_phone"),
        ({"to": "bob@example.com"}, "to", "bad_address"),
        ({"to": 79161234567}, "to", "string_type"),
        ({"to": "1" * 101}, "to", "string_too_long"),
        ({"message": "Hi"}, "message", "extra_forbidden"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_not_queued(app, api, linked, body, field, code):
    answer = send(api, linked, **body)
    assert answer.status_code == 422
    assert answer.json["field"] == field
    assert answer.json["errors"][0]["code"] == code
    assert stored(app) == []


def test_what_is_missing_is_named(api, linked):
    answer = api.post(f"/api/instances/{linked.id}/send", {})
    assert [error["field"] for error in answer.json["errors"]] == ["to"]
    answer = api.post(f"/api/instances/{linked.id}/send", {"to": "+7 916 123-45-67"})
    assert [error["field"] for error in answer.json["errors"]] == ["text"]


def test_an_instance_without_a_phone_cannot_send(api, instance):
    answer = send(api, instance)
    assert (answer.status_code, answer.json["code"]) == (409, "not_linked")


def test_the_same_idempotency_key_sends_once(app, api, linked):
    first, second = (send(api, linked, key="order-1").json for _ in range(2))
    assert first == second
    assert len(stored(app)) == 1


def test_an_idempotency_key_for_another_message_is_a_conflict(app, api, linked):
    send(api, linked, key="order-1")
    answer = send(api, linked, key="order-1", text="Other")
    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_conflict")
    assert len(stored(app)) == 1


@pytest.mark.parametrize("key", ["", "a" * 256, "ключ".encode().decode("latin-1")])
def test_a_wrong_idempotency_key_is_refused(api, linked, key):
    answer = send(api, linked, key=key)
    assert (answer.status_code, answer.json["field"]) == (422, "Idempotency-Key")


def test_a_wait_ends_as_soon_as_the_outcome_is_known(app, api, linked):
    host = threading.Thread(target=accept_first_message, args=(app,))
    host.start()
    began = time.monotonic()
    answer = send(api, linked, wait=20)
    host.join()
    assert answer.status_code == 200
    message = answer.json["message"]
    assert (message["status"], message["whatsappId"]) == ("sent", "3EB0A")
    assert time.monotonic() - began < 5


def accept_first_message(app: Flask) -> None:
    """What a session's host does."""
    [message] = wait_for(lambda: stored(app))
    time.sleep(0.3)
    with app.app_context(), transaction() as session:
        row = session.get_one(Message, message.id)
        messaging.claim(row)
        messaging.sent(row, "3EB0A", utcnow())


def test_a_wait_without_an_outcome_answers_what_holds(api, linked):
    began = time.monotonic()
    answer = send(api, linked, wait=1)
    assert (answer.status_code, answer.json["message"]["status"]) == (202, "queued")
    assert 0.9 < time.monotonic() - began < 3


def test_nobody_waits_when_half_of_the_threads_do(api, linked, monkeypatch):
    monkeypatch.setattr(waiting.OUTCOMES, "_taken", 4)
    began = time.monotonic()
    assert send(api, linked, wait=20).status_code == 202
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("wait", ["-1", "31", "long"])
def test_a_wrong_wait_is_refused_and_sends_nothing(app, api, linked, wait):
    answer = send(api, linked, wait=wait)
    assert (answer.status_code, answer.json["field"]) == (422, "wait")
    assert stored(app) == []


def test_one_message_tells_who_has_it(app, api, linked):
    with app.app_context():
        account = db.session.get_one(LinkedAccount, linked.account_id)
        values = {"kind": "group", "group_id": "120363", "lid": None, "phone": None}
        group = factories.chat(account, **values)
        factories.contact(linked, phone="79165550000", name="Anna")
        with transaction() as session:
            who = {"key": "901", "phone": "79165550000", "lid": "901", "role": "member"}
            session.add(GroupMember(chat_id=group.id, **who))
        message = factories.message(group, direction="out", status="sent", wa_id="3EB0A")
        with transaction() as session:
            row = session.get_one(LinkedAccount, account.id)
            said = ["3EB0A"], MessageStatus.READ, utcnow(), (None, "901")
            receipts.heard(row, *said)
        path = f"/api/instances/{linked.id}/messages/{message.id}"
    answer = api.get(path).json
    (receipt,) = answer["receipts"]
    assert (receipt["participant"], receipt["name"]) == ("79165550000@s.whatsapp.net", "Anna")
    assert receipt["readAt"] == receipt["deliveredAt"] == answer["readAt"]
    assert receipt["playedAt"] is None
