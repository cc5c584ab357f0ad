"""A drain: what is due is sent, recorded, and tried again as the endpoint says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from standardwebhooks import Webhook

from app.clock import utcnow
from app.core.errors import Conflict
from app.extensions import db
from app.jobs import webhooks as job
from app.models import Activity, Attempt, Delivery, Endpoint
from app.outgoing.sender import Answer, Sender
from app.services import deliveries
from app.services.deliveries import Outcome, Parcel
from app.transaction import transaction
from tests.receiver import Reply
from tests.waiting import wait_for
from tests.webhooks.conftest import SECRET
from tests.webhooks.test_worker import environment_of

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def deliveries_now() -> list[Delivery]:
    db.session.rollback()  # a snapshot of now
    return list(db.session.scalars(select(Delivery).order_by(Delivery.id)))


def only_delivery() -> Delivery:
    [delivery] = deliveries_now()
    return delivery


def attempts() -> list[Attempt]:
    return list(db.session.scalars(select(Attempt).order_by(Attempt.number)))


def outcome(parcel: Parcel, status: int) -> Outcome:
    return Outcome(parcel, Answer(duration_ms=1, status=status), utcnow())


def change(endpoint: Endpoint, **values: object) -> None:
    with transaction() as session:
        session.execute(update(Endpoint).where(Endpoint.id == endpoint.id).values(**values))


def test_drain_delivers_the_stored_bytes(endpoint, receiver, emit):
    emit("Привет")
    stored = only_delivery().body
    assert job.drain(endpoint.id) is False
    assert receiver.bodies == [stored]
    assert json.loads(stored)["data"]["body"] == "Привет"


def test_drain_signs_as_the_specification_says(endpoint, receiver, emit):
    emit()
    job.drain(endpoint.id)
    [request] = receiver.requests
    expected = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Webhook-Signature"] == expected


def test_drain_signs_as_standard_webhooks_say(endpoint, receiver, emit):
    emit()
    job.drain(endpoint.id)
    [request] = receiver.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert Webhook(SECRET).verify(request.body, headers)["event"] == "message_received"


def test_drain_signs_with_a_secret_typed_by_hand(endpoint, receiver, emit):
    change(endpoint, secret="typed by hand")
    emit()
    job.drain(endpoint.id)
    [request] = receiver.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert Webhook(base64.b64encode(b"typed by hand").decode()).verify(request.body, headers)


def test_drain_adds_the_endpoints_headers(endpoint, receiver, emit):
    change(endpoint, headers={"Authorization": "Bearer shop"})
    emit()
    job.drain(endpoint.id)
    assert receiver.requests[0].headers["Authorization"] == "Bearer shop"


def test_drain_sends_many_over_one_connection_in_order(endpoint, receiver, emit):
    for number in range(25):
        emit(str(number))
    job.drain(endpoint.id)
    assert [json.loads(body)["data"]["body"] for body in receiver.bodies] == [
        str(number) for number in range(25)
    ]
    assert len({request.connection for request in receiver.requests}) == 1


def test_drain_records_a_delivery(endpoint, receiver, emit):
    receiver.replies = [Reply(status=201, body=b"thanks")]
    emit()
    job.drain(endpoint.id)
    delivery, [attempt] = only_delivery(), attempts()
    assert (delivery.status, delivery.attempts) == ("delivered", 1)
    assert delivery.claimed_until is None
    assert delivery.finished_at is not None
    assert (attempt.number, attempt.status_code, attempt.answer) == (1, 201, "thanks")
    assert attempt.error is None


def test_drain_sends_a_delivery_only_once(endpoint, receiver, emit):
    emit()
    job.drain(endpoint.id)
    job.drain(endpoint.id)
    assert len(receiver.requests) == 1


def test_first_retry_waits_exactly_the_interval(endpoint, receiver, emit):
    receiver.otherwise = Reply(status=500)
    with time_machine.travel(START, tick=False):
        emit()
        job.drain(endpoint.id)
    assert only_delivery().due_at == START + timedelta(milliseconds=endpoint.retry_interval_ms)


def test_later_retries_double_the_wait_give_or_take_a_fifth(endpoint, receiver, emit):
    receiver.otherwise = Reply(status=500)
    with time_machine.travel(START, tick=False) as traveller:
        emit()
        waits = []
        for _ in range(3):
            job.drain(endpoint.id)
            waits.append((only_delivery().due_at - utcnow()).total_seconds())
            traveller.move_to(only_delivery().due_at)
    assert waits[0] == 60
    assert 96 <= waits[1] <= 144
    assert 192 <= waits[2] <= 288


def test_a_failed_try_is_the_last_error_of_its_webhook(endpoint, receiver, emit):
    receiver.replies = [Reply(status=500)]
    emit()
    job.drain(endpoint.id)
    db.session.expire_all()
    endpoint = db.session.get_one(Endpoint, endpoint.id)
    assert (endpoint.last_error, endpoint.last_error_at) == ("500", attempts()[0].started_at)


def test_drain_gives_up_after_the_last_retry(endpoint, receiver, emit):
    receiver.otherwise = Reply(status=500, body=b"broken")
    change(endpoint, max_retries=2)
    with time_machine.travel(START, tick=False) as traveller:
        emit()
        for _ in range(5):
            job.drain(endpoint.id)
            traveller.shift(timedelta(hours=12))
    assert [attempt.number for attempt in attempts()] == [1, 2, 3]
    assert only_delivery().status == "failed"
    kinds = db.session.scalars(select(Activity.kind)).all()
    assert "webhook:delivery:failed" in kinds


def test_drain_sends_the_same_id_and_body_at_every_try(endpoint, receiver, emit):
    receiver.replies = [Reply(status=500), Reply()]
    with time_machine.travel(START, tick=False) as traveller:
        emit()
        job.drain(endpoint.id)
        traveller.shift(timedelta(minutes=1))
        job.drain(endpoint.id)
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == only_delivery().id
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]


def test_a_waiting_retry_holds_back_no_later_delivery(endpoint, receiver, emit):
    receiver.replies = [Reply(status=500)]
    emit("first")
    job.drain(endpoint.id)
    emit("second")
    job.drain(endpoint.id)
    assert [delivery.status for delivery in deliveries_now()] == ["pending", "delivered"]


def test_drain_honours_retry_after(endpoint, receiver, emit):
    receiver.replies = [Reply(status=429, headers={"Retry-After": "600"})]
    with time_machine.travel(START, tick=False):
        emit()
        job.drain(endpoint.id)
    assert only_delivery().due_at == START + timedelta(seconds=600)


def test_retry_after_never_shortens_the_wait(endpoint, receiver, emit):
    receiver.replies = [Reply(status=503, headers={"Retry-After": "1"})]
    with time_machine.travel(START, tick=False):
        emit()
        job.drain(endpoint.id)
    assert only_delivery().due_at == START + timedelta(seconds=60)


def test_drain_disables_the_endpoint_on_410(endpoint, receiver, emit):
    receiver.replies = [Reply(status=410)]
    emit("first")
    emit("second")
    job.drain(endpoint.id)
    db.session.expire_all()
    assert db.session.get_one(Endpoint, endpoint.id).enabled is False
    assert only_delivery_statuses() == ["failed", "pending"]
    assert "webhook:endpoint:disabled" in db.session.scalars(select(Activity.kind)).all()


def only_delivery_statuses() -> list[str]:
    return [delivery.status for delivery in deliveries_now()]


def test_drain_takes_a_redirect_for_a_failure(endpoint, receiver, emit):
    receiver.replies = [Reply(status=302, headers={"Location": receiver.url})]
    emit()
    job.drain(endpoint.id)
    assert len(receiver.requests) == 1
    assert only_delivery().status == "pending"
    assert attempts()[0].status_code == 302


def test_drain_sends_nothing_while_the_endpoint_is_off(endpoint, receiver, emit):
    emit()
    change(endpoint, enabled=False)
    job.drain(endpoint.id)
    assert receiver.requests == []
    assert only_delivery().status == "pending"


def test_drain_leaves_alone_what_somebody_else_claimed(endpoint, receiver, emit):
    emit()
    with transaction():
        assert len(deliveries.claim(endpoint.id)) == 1
    job.drain(endpoint.id)
    assert receiver.requests == []


def test_a_claim_that_ran_out_is_taken_again(endpoint, receiver, emit):
    with time_machine.travel(START, tick=False) as traveller:
        emit()
        with transaction():
            deliveries.claim(endpoint.id)
        traveller.shift(deliveries.CLAIM)
        job.drain(endpoint.id)
    assert only_delivery().status == "delivered"


def test_a_claim_outlives_the_turn_and_the_send_it_was_made_for():
    assert deliveries.CLAIM.total_seconds() > job.TURN_SECONDS + 2 * 15


def test_drain_gives_back_what_its_turn_was_too_short_for(endpoint, receiver, emit, monkeypatch):
    monkeypatch.setattr(job, "TURN_SECONDS", -1)
    emit()
    assert job.drain(endpoint.id) is True
    assert only_delivery().claimed_until is None


def test_a_failure_of_ours_costs_no_attempt(endpoint, emit, monkeypatch):
    cut_off = Answer(duration_ms=1, error="no_network", ours=True)
    monkeypatch.setattr(Sender, "post", lambda *_, **__: cut_off)
    with time_machine.travel(START, tick=False):
        emit()
        job.drain(endpoint.id)
    delivery = only_delivery()
    assert (delivery.status, delivery.attempts, attempts()) == ("pending", 0, [])
    assert delivery.due_at == START + deliveries.OUTAGE_PAUSE


def test_a_failure_of_ours_counts_after_a_day(endpoint, emit, monkeypatch):
    cut_off = Answer(duration_ms=1, error="no_name_service", ours=True)
    monkeypatch.setattr(Sender, "post", lambda *_, **__: cut_off)
    with time_machine.travel(START, tick=False) as traveller:
        emit()
        traveller.shift(timedelta(days=1))
        job.drain(endpoint.id)
    assert only_delivery().attempts == 1


def test_a_broken_bookkeeping_costs_no_attempt(endpoint, receiver, emit, monkeypatch):
    monkeypatch.setattr(deliveries, "record", _raise)
    with time_machine.travel(START, tick=False) as traveller:
        emit()
        with pytest.raises(OSError, match="disk full"):
            job.drain(endpoint.id)
        monkeypatch.undo()
        traveller.shift(deliveries.CLAIM)
        job.drain(endpoint.id)
    assert (only_delivery().status, only_delivery().attempts) == ("delivered", 1)


def _raise(*_: object, **__: object) -> None:
    raise OSError("disk full")


@pytest.mark.parametrize("error", [OperationalError("", {}, Exception("locked")), Conflict()])
def test_what_was_delivered_is_written_down_once_the_database_takes_it(
    endpoint, receiver, emit, monkeypatch, error
):
    emit()
    refusals, record = [error] * 3, deliveries.record

    def refused_at_first(outcomes):
        if refusals:
            raise refusals.pop()
        record(outcomes)

    monkeypatch.setattr(job, "RECORD_PAUSE", 0)
    monkeypatch.setattr(deliveries, "record", refused_at_first)
    job.drain(endpoint.id)
    assert only_delivery().status == "delivered"
    assert len(receiver.requests) == len(attempts()) == 1


def test_a_success_stays_one_when_the_claim_ran_out_meanwhile(endpoint, emit):
    with time_machine.travel(START, tick=False) as traveller:
        emit()
        with transaction():
            [parcel] = deliveries.claim(endpoint.id)
        traveller.shift(deliveries.CLAIM)
        with transaction():
            deliveries.claim(endpoint.id)
        with transaction():
            deliveries.record([outcome(parcel, 200)])
    assert only_delivery().status == "delivered"


def test_a_failure_says_nothing_when_the_claim_ran_out_meanwhile(endpoint, emit):
    with time_machine.travel(START, tick=False) as traveller:
        emit()
        with transaction():
            [parcel] = deliveries.claim(endpoint.id)
        traveller.shift(deliveries.CLAIM)
        with transaction():
            deliveries.claim(endpoint.id)
        with transaction():
            deliveries.record([outcome(parcel, 500)])
    assert only_delivery().claimed_until is not None


def test_an_endpoint_deleted_in_mid_delivery_leaves_nothing(endpoint, emit):
    emit()
    with transaction():
        [parcel] = deliveries.claim(endpoint.id)
    with transaction() as session:
        session.delete(session.get_one(Endpoint, endpoint.id))
    with transaction():
        deliveries.record([outcome(parcel, 200)])
    assert attempts() == []


def test_secrets_are_in_no_log_line(endpoint, receiver, emit, capfd, caplog):
    caplog.set_level("DEBUG")
    change(
        endpoint, headers={"Authorization": "Bearer swordfish"}, url=receiver.url + "?t=opensesame"
    )
    receiver.replies = [Reply(), Reply(status=500), Reply(status=410), Reply(hang_up=True)]
    for _ in range(4):
        emit()
        job.drain(endpoint.id)
    captured = capfd.readouterr()
    said = caplog.text + captured.out + captured.err
    assert "delivery.attempted" in said
    for secret in (SECRET, SECRET.removeprefix("whsec_"), "swordfish", "opensesame"):
        assert secret not in said


def test_a_parcel_shows_no_secret(endpoint, emit):
    emit()
    with transaction():
        assert SECRET not in repr(deliveries.claim(endpoint.id))


def test_a_delivery_in_hand_at_kill_9_is_sent_again_under_the_same_id(
    app: Flask, endpoint, receiver, emit
):
    receiver.replies = [Reply(delay=30), Reply()]
    emit()
    process = _drain_in_a_process(app, endpoint.id)
    try:
        wait_for(lambda: receiver.requests, timeout=30, what="the first try arrives")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert only_delivery().claimed_until is not None
    with time_machine.travel(utcnow() + deliveries.CLAIM, tick=True):
        job.drain(endpoint.id)
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert (only_delivery().status, only_delivery().attempts) == ("delivered", 1)


def _drain_in_a_process(app: Flask, endpoint_id: str) -> subprocess.Popen[bytes]:
    settings = app.config["SETTINGS"]
    code = f"""
from app import create_app
from app.jobs.webhooks import drain
with create_app().app_context():
    drain({endpoint_id!r})
"""
    return subprocess.Popen([sys.executable, "-c", code], env=environment_of(settings))


def test_the_pause_grows_no_further_than_the_endpoint_says(endpoint, receiver, emit):
    receiver.otherwise = Reply(status=500)
    change(endpoint, max_retries=9, max_interval_ms=70_000)
    with time_machine.travel(START, tick=False) as clock:
        emit()
        for _ in range(4):
            job.drain(endpoint.id)
            pause = only_delivery().due_at - utcnow()
            clock.shift(pause)
    assert pause <= timedelta(milliseconds=70_000 * 1.2)


def test_a_try_ends_when_the_endpoints_time_is_over(endpoint, receiver, emit):
    receiver.otherwise = Reply(delay=5)
    change(endpoint, timeout_ms=200)
    emit()
    job.drain(endpoint.id)
    assert [attempt.error for attempt in attempts()] == ["timeout"]
    assert attempts()[0].duration_ms < 2000
