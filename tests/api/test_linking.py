"""Linking a phone over the API."""

from __future__ import annotations

import base64
import threading
import time
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from app.clock import utcnow
from app.core.states import InstanceState
from app.extensions import db
from app.models import Instance, Pairing
from app.services import pairings
from app.transaction import transaction
from tests.waiting import wait_for


def qr(api, instance, wait: int = 0):
    return api.get(f"/api/instances/{instance.id}/qr?wait={wait}")


def attempts(app: Flask) -> list[Pairing]:
    with app.app_context():
        return list(db.session.scalars(select(Pairing)))


EXPIRY = datetime(2036, 3, 1, 12, tzinfo=UTC)


def show_code(app: Flask, code: str = "2@code") -> None:
    """What a pairing worker does."""
    [attempt] = wait_for(lambda: attempts(app))
    with app.app_context(), transaction() as session:
        pairings.show_code(session.get_one(Pairing, attempt.id), code, EXPIRY)


def test_asking_for_the_code_starts_an_attempt(app, api, instance):
    answer = qr(api, instance)
    assert answer.json == {"state": "pairing", "qr": None, "image": None, "expiresAt": None}
    assert len(attempts(app)) == 1


def test_asking_again_joins_the_attempt_and_keeps_it_alive(app, api, instance):
    qr(api, instance)
    [before] = attempts(app)
    qr(api, instance)
    [after] = attempts(app)
    assert after.asked_at > before.asked_at


def test_the_code_is_shown_as_text_and_as_a_picture(app, api, instance):
    qr(api, instance)
    show_code(app)
    shown = qr(api, instance).json
    assert (shown["qr"], shown["expiresAt"]) == ("2@code", "2036-03-01T12:00:00.000Z")
    kind, _, data = shown["image"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert b"<svg" in base64.b64decode(data)


def phone_code(api, instance, phone: object = "+7 916 123-45-67", wait: int = 0):
    return api.post(f"/api/instances/{instance.id}/pair-code?wait={wait}", {"phone": phone})


def test_asking_for_a_phone_code_starts_an_attempt_for_the_number(app, api, instance):
    answer = phone_code(api, instance)
    assert answer.json == {
        "state": "pairing",
        "phone": "+79161234567",
        "code": None,
        "expiresAt": None,
    }
    assert [one.method for one in attempts(app)] == ["phone_code"]


def test_the_phone_code_is_waited_for_and_shown(app, api, instance):
    worker = threading.Thread(target=show_code, args=(app, "ABCD-1234"))
    worker.start()
    shown = phone_code(api, instance, wait=20).json
    worker.join()
    assert (shown["code"], shown["expiresAt"]) == ("ABCD-1234", "2036-03-01T12:00:00.000Z")
    assert phone_code(api, instance).json["code"] == "ABCD-1234"


def test_the_qr_code_takes_the_place_of_a_phone_code(app, api, instance):
    phone_code(api, instance)
    show_code(app, "ABCD-1234")
    assert qr(api, instance).json["qr"] is None
    assert [(one.method, one.active) for one in attempts(app)] == [
        ("phone_code", None),
        ("qr", True),
    ]


@pytest.mark.parametrize(
    ("phone", "code"), [("nobody", "bad_phone"), ("", "bad_phone"), (7, "string_type")]
)
def test_a_phone_code_is_made_for_numbers_only(app, api, instance, phone, code):
    answer = phone_code(api, instance, phone)
    assert (answer.status_code, answer.json["field"]) == (422, "phone")
    assert answer.json["errors"][0]["code"] == code
    assert attempts(app) == []


def test_a_linked_instance_has_no_phone_code(api, linked):
    answer = phone_code(api, linked)
    assert (answer.status_code, answer.json["code"]) == (409, "already_linked")


def test_nobody_gets_a_code_for_somebody_elses_instance(app, api, foreign):
    assert phone_code(api, foreign).status_code == 404
    assert attempts(app) == []


def test_asking_waits_for_the_first_code(app, api, instance):
    worker = threading.Thread(target=show_code, args=(app,))
    worker.start()
    began = time.monotonic()
    shown = qr(api, instance, wait=20).json
    worker.join()
    assert shown["qr"] == "2@code"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "state",
    [
        InstanceState.CONNECTED,
        InstanceState.DISCONNECTED,
        InstanceState.STOPPED,
        InstanceState.FAILED,
    ],
)
def test_a_linked_instance_has_no_code(app, api, linked, state):
    with app.app_context(), transaction() as session:
        session.get_one(Instance, linked.id).state = state
    answer = qr(api, linked)
    assert (answer.status_code, answer.json["code"]) == (409, "already_linked")
    assert attempts(app) == []


def test_an_instance_that_was_logged_out_gets_a_code_again(app, api, linked):
    with app.app_context(), transaction() as session:
        row = session.get_one(Instance, linked.id)
        row.state = InstanceState.LOGGED_OUT
        row.account.unlinked_at = utcnow()
    assert qr(api, linked).json["state"] == "pairing"


def test_the_status_tells_the_number(api, linked):
    status = api.get(f"/api/instances/{linked.id}/status").json
    assert (status["state"], status["reason"]) == ("connected", None)
    assert status["phone"] == f"+{linked.account.phone}"


def test_reconnecting_an_unlinked_instance_starts_an_attempt(app, api, instance):
    answer = api.post(f"/api/instances/{instance.id}/reconnect")
    assert (answer.status_code, answer.json["state"]) == (202, "pairing")
    assert len(attempts(app)) == 1


def test_an_unlinked_instance_cannot_be_logged_out(api, instance):
    answer = api.post(f"/api/instances/{instance.id}/logout")
    assert (answer.status_code, answer.json["code"]) == (409, "not_linked")


def test_a_linked_instance_can_be_logged_out(api, linked):
    answer = api.post(f"/api/instances/{linked.id}/logout")
    assert answer.status_code == 202
