"""The RQ job, its lanes and the sweep, on the real Redis."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta

import pytest
from flask import Flask
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select, update

from app import bell
from app.clock import utcnow
from app.core.events import Event
from app.extensions import db
from app.jobs import webhooks as job
from app.models import Delivery, Endpoint, Instance, User
from app.services import delivery_log, outbox
from app.services.delivery_log import Scope, Wish
from app.transaction import transaction
from tests import factories
from tests.receiver import Receiver, Reply, running_receiver
from tests.waiting import wait_for


@pytest.fixture
def work(app: Flask, app_context: object) -> Iterator[Callable[[], None]]:
    """Does the jobs that wait in the queue, as the product's worker does."""

    def do_jobs() -> None:
        queue = bell.queue(outbox.QUEUE)
        SimpleWorker([queue], connection=bell.redis(), serializer=JSONSerializer).work(burst=True)

    yield do_jobs
    job.stop()


def waiting_jobs() -> int:
    return len(bell.queue(outbox.QUEUE))


def statuses() -> list[str]:
    db.session.rollback()
    return [row.status for row in db.session.scalars(select(Delivery).order_by(Delivery.id))]


def test_an_event_reaches_the_receiver_by_way_of_the_queue(endpoint, receiver, emit, work):
    emit()
    work()
    wait_for(lambda: statuses() == ["delivered"])
    assert len(receiver.requests) == 1


def test_what_is_sent_again_comes_under_the_id_it_had(endpoint, receiver, emit, work):
    receiver.otherwise = Reply(status=410)
    emit()
    work()
    wait_for(lambda: statuses() == ["failed"])
    receiver.otherwise = Reply()
    db.session.rollback()
    with transaction() as session:
        again = session.get_one(Endpoint, endpoint.id)
        again.enabled = True  # 410 had switched it off
        assert delivery_log.replay_all(Scope.of(again), Wish()) == 1
    work()
    wait_for(lambda: statuses() == ["delivered"])
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_a_burst_of_events_makes_one_job(endpoint, emit):
    for _ in range(20):
        emit()
    assert waiting_jobs() == 1


def test_an_event_after_the_job_began_makes_another(endpoint, emit, work):
    emit()
    work()
    emit()
    assert waiting_jobs() == 1


def test_a_rolled_back_event_is_neither_stored_nor_rung(endpoint, instance):
    with pytest.raises(LookupError), transaction():
        outbox.emit(instance.id, Event.MESSAGE_RECEIVED, {"body": "never"})
        raise LookupError
    assert (waiting_jobs(), statuses()) == (0, [])


def test_a_slow_endpoint_delays_nobody_else(endpoint, receiver, emit, bob: User, work):
    receiver.otherwise = Reply(delay=20)
    other = factories.instance(bob)
    with running_receiver() as quick:
        factories.endpoint(other, url=quick.url)
        for _ in range(3):
            emit()
        with transaction():
            outbox.emit(other.id, Event.MESSAGE_RECEIVED, {"body": "quick"})
        began = time.monotonic()
        work()
        wait_for(lambda: quick.requests, what="the quick receiver is served")
        assert quick.requests[0].at - began < 2
        receiver.otherwise = Reply()
        receiver.close()


MISBEHAVING = {
    "500": Reply(status=500),
    "429": Reply(status=429, headers={"Retry-After": "600"}),
    "301": Reply(status=301, headers={"Location": "/elsewhere"}),
    "410": Reply(status=410),
    "connection_closed": Reply(hang_up=True),
}
"""What receivers do, by the error that their webhook shows for it."""


def test_receivers_that_misbehave_all_at_once_leave_the_others_undisturbed(
    instance, endpoint, receiver, emit, work, free_port
):
    with ExitStack() as stack:
        urls = {"address_refused": "http://169.254.169.254/"}
        urls["connection_refused"] = f"http://127.0.0.1:{free_port}/"
        urls["tls_failed"] = f"https://127.0.0.1:{stack.enter_context(running_receiver()).port}/"
        for error, reply in MISBEHAVING.items():
            one = stack.enter_context(running_receiver())
            one.otherwise, urls[error] = reply, one.url
        slow, endless = (stack.enter_context(running_receiver()) for _ in range(2))
        slow.otherwise, endless.otherwise = Reply(delay=20), Reply(endless=True)
        for url in (slow.url, endless.url, *urls.values()):
            factories.endpoint(instance, url=url)
        for _ in range(3):
            emit()
        began = time.monotonic()
        work()
        wait_for(lambda: len(receiver.requests) == 3, what="the good receiver is served")
        assert receiver.requests[-1].at - began < 3
        wait_for(lambda: errors() >= {(url, error) for error, url in urls.items()})
        wait_for(lambda: len(endless.requests) == 3)
        assert [one.enabled for one in all_endpoints() if one.url == urls["410"]] == [False]


def all_endpoints() -> list[Endpoint]:
    db.session.rollback()
    return list(db.session.scalars(select(Endpoint)))


def errors() -> set[tuple[str, str | None]]:
    return {(one.url, one.last_error) for one in all_endpoints()}


@pytest.fixture
def free_port() -> int:
    """A port where nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


def test_sweep_rings_for_a_retry_whose_time_has_come(endpoint, receiver, emit, work):
    receiver.replies = [Reply(status=500)]
    emit()
    work()
    wait_for(lambda: receiver.requests and _attempted_once())
    _make_due()
    job.sweep()
    work()
    wait_for(lambda: statuses() == ["delivered"])


def _attempted_once() -> bool:
    db.session.rollback()
    return db.session.scalar(select(Delivery.attempts)) == 1


def _make_due() -> None:
    with transaction() as session:
        session.execute(update(Delivery).values(due_at=utcnow() - timedelta(seconds=1)))


def test_sweep_finds_what_an_emptied_redis_forgot(endpoint, emit, work):
    emit()
    bell.redis().flushall()
    job.sweep()
    work()
    wait_for(lambda: statuses() == ["delivered"])


def test_sweep_rings_nobody_before_the_retry_is_due(endpoint, receiver, emit):
    receiver.replies = [Reply(status=500)]
    emit()
    job.drain(endpoint.id)
    bell.redis().flushall()
    job.sweep()
    assert waiting_jobs() == 0


def test_sweep_rings_nobody_who_is_being_served(endpoint, emit):
    emit()
    emit()
    with transaction() as session:
        one = session.scalars(select(Delivery)).first()
        one.claimed_until = utcnow() + timedelta(minutes=1)
    bell.redis().flushall()
    job.sweep()
    assert waiting_jobs() == 0


def test_sweep_rings_once_however_often_it_runs(endpoint, emit):
    emit()
    for _ in range(5):
        job.sweep()
    assert waiting_jobs() == 1


def test_sweep_rings_nobody_whose_endpoint_is_off(instance: Instance, receiver: Receiver, emit):
    endpoint = factories.endpoint(instance, url=receiver.url)
    emit()
    bell.redis().flushall()
    with transaction() as session:
        session.merge(endpoint).enabled = False
    job.sweep()
    assert waiting_jobs() == 0


def test_an_event_is_kept_when_redis_is_away(app: Flask, endpoint, emit):
    app.extensions["redis"] = bell.connect("redis://127.0.0.1:9")
    emit()
    assert statuses() == ["pending"]
