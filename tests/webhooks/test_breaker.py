"""An endpoint that keeps failing is paused, probed, and goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from app import bell
from app.clock import utcnow
from app.extensions import db
from app.jobs import webhooks as job
from app.models import Activity, Delivery, Endpoint
from app.outgoing.sender import Answer, Sender
from app.services import breaker, delivery_log, outbox, webhooks
from app.transaction import transaction
from tests import factories
from tests.receiver import Reply, running_receiver

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock():
    """A time that stands still until it is moved."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def paused(clock, endpoint, receiver, emit):
    """The endpoint after as many failures as pause it, with more behind them."""
    receiver.otherwise = Reply(status=500)
    for _ in range(breaker.BREAKS_AFTER + 5):
        emit()
    job.drain(endpoint.id)
    receiver.requests.clear()
    return endpoint


def now_of(endpoint) -> Endpoint:
    db.session.rollback()
    return db.session.get_one(Endpoint, endpoint.id)


def statuses() -> list[str]:
    db.session.rollback()
    return sorted(db.session.scalars(select(Delivery.status)))


def test_failures_in_a_row_pause_it_and_the_rest_is_not_sent(clock, endpoint, receiver, emit):
    receiver.otherwise = Reply(status=500)
    for _ in range(breaker.BREAKS_AFTER + 5):
        emit()
    job.drain(endpoint.id)
    assert len(receiver.requests) == breaker.BREAKS_AFTER
    assert now_of(endpoint).broken_since == START
    assert statuses() == ["pending"] * 15


def test_a_success_in_between_begins_the_count_anew(clock, endpoint, receiver, emit):
    bad = [Reply(status=500)] * (breaker.BREAKS_AFTER - 1)
    receiver.replies = [*bad, Reply(), *bad]
    for _ in range(2 * breaker.BREAKS_AFTER - 1):
        emit()
    job.drain(endpoint.id)
    assert now_of(endpoint).broken_since is None


def test_nothing_is_sent_before_the_probe_is_due(paused, receiver, clock):
    clock.shift(timedelta(seconds=40))
    bell.redis().flushall()
    job.sweep()
    job.drain(paused.id)
    assert receiver.requests == []
    assert len(bell.queue(outbox.QUEUE)) == 0


def test_a_probe_is_one_delivery_and_the_next_comes_later(paused, receiver, clock):
    clock.shift(timedelta(minutes=2))
    bell.redis().flushall()
    job.sweep()
    assert len(bell.queue(outbox.QUEUE)) == 1
    job.drain(paused.id)
    assert len(receiver.requests) == 1
    assert now_of(paused).probe_at >= utcnow() + timedelta(seconds=96)


def test_probes_come_once_an_hour_at_least_and_cost_no_delivery(paused, receiver, clock):
    for _ in range(12):
        clock.shift(timedelta(hours=1, minutes=13))
        job.drain(paused.id)
    assert len(receiver.requests) == 12
    assert set(statuses()) == {"pending"}


def test_the_backlog_goes_out_once_a_probe_succeeds(paused, receiver, clock):
    receiver.otherwise = Reply()
    clock.shift(timedelta(hours=2))
    job.drain(paused.id)
    assert set(statuses()) == {"delivered"}
    after = now_of(paused)
    assert (after.broken_since, after.failures_in_row) == (None, 0)


def test_the_journal_tells_of_the_pause_and_of_its_end_once(paused, receiver, clock):
    receiver.otherwise = Reply()
    clock.shift(timedelta(hours=2))
    job.drain(paused.id)
    kinds = [line.kind for line in db.session.scalars(select(Activity).order_by(Activity.id))]
    assert [kind for kind in kinds if kind.startswith("webhook:endpoint:")] == [
        "webhook:endpoint:paused",
        "webhook:endpoint:resumed",
    ]


def test_the_others_are_told_of_the_pause(clock, endpoint, instance, receiver, emit):
    with running_receiver() as other:
        beside = factories.endpoint(instance, url=other.url, events=["webhook_disabled"])
        receiver.otherwise = Reply(status=500)
        for _ in range(breaker.BREAKS_AFTER):
            emit()
        job.drain(endpoint.id)
        job.drain(beside.id)
        [body] = other.bodies
    assert b'"reason":"failing"' in body
    assert endpoint.id.encode() in body


def test_that_a_test_found_a_webhook_gone_is_told_to_the_others(endpoint, instance, receiver):
    receiver.otherwise = Reply(status=410)
    everywhere = factories.endpoint(instance, instance_id=None, url=f"{receiver.url}/all")
    with running_receiver() as other:
        beside = factories.endpoint(instance, url=other.url, events=["webhook_disabled"])
        with transaction():
            delivery_log.send_test(everywhere)
        job.drain(everywhere.id)
        job.drain(beside.id)
        [body] = other.bodies
    assert b'"instanceId":null' in body
    assert everywhere.id.encode() in body


def test_a_change_of_the_settings_ends_the_pause(paused, receiver, bob):
    with transaction():
        row = db.session.get_one(Endpoint, paused.id)
        webhooks.change(row, webhooks.wish_of(row), actor=bob)
    assert now_of(paused).broken_since is None


def test_somebody_may_try_at_once(paused, receiver):
    with transaction():
        breaker.try_now(db.session.get_one(Endpoint, paused.id))
    receiver.otherwise = Reply()
    job.drain(paused.id)
    assert "delivered" in statuses()


def test_no_network_of_ours_pauses_nobody(clock, endpoint, emit, monkeypatch):
    cut_off = Answer(duration_ms=1, error="no_network", ours=True)
    monkeypatch.setattr(Sender, "post", lambda *_, **__: cut_off)
    for _ in range(breaker.BREAKS_AFTER + 1):
        emit()
    job.drain(endpoint.id)
    assert now_of(endpoint).failures_in_row == 0
