"""The log of a webhook: what it shows, what is sent again, what is cleared away."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.clock import utcnow
from app.core.errors import Conflict, NotFound
from app.core.ids import new_id
from app.extensions import db
from app.jobs import webhooks as jobs
from app.models import Attempt, Delivery, Endpoint
from app.models.webhook import DeliveryStatus
from app.services import delivery_log
from app.services.delivery_log import Wish
from app.transaction import transaction
from tests import factories

_D = DeliveryStatus


@pytest.fixture
def endpoint(linked) -> Endpoint:
    return factories.endpoint(linked)


def tried(delivery: Delivery, *, code: int | None = 200, error: str | None = None, ms: int = 5):
    with transaction() as session:
        session.add(
            Attempt(
                id=new_id("att", utcnow()),
                delivery_id=delivery.id,
                number=1,
                started_at=utcnow(),
                duration_ms=ms,
                status_code=code,
                error=error,
            )
        )


def shown(endpoint: Endpoint, wish: Wish = Wish(), **page: object) -> list[str]:  # noqa: B008
    part = delivery_log.page_of(endpoint, wish, behind=None, **page)  # type: ignore[arg-type]
    return [line.delivery.id for line in part.lines]


def test_the_log_has_the_newest_first_a_page_at_a_time(endpoint):
    ids = [factories.delivery(endpoint).id for _ in range(5)]
    first = delivery_log.page_of(endpoint, Wish(), behind=None, limit=3)
    second = delivery_log.page_of(endpoint, Wish(), behind=first.next, limit=3)
    assert [one.delivery.id for one in first.lines + second.lines] == ids[::-1]
    assert second.next is None


def test_the_log_is_narrowed_by_result_event_and_time(endpoint):
    failed = factories.delivery(endpoint, status=_D.FAILED)
    other = factories.delivery(endpoint, event="message_sent")
    old = factories.delivery(endpoint, created_at=utcnow() - timedelta(days=2))
    assert shown(endpoint, Wish(status=_D.FAILED)) == [failed.id]
    assert shown(endpoint, Wish(event="message_sent")) == [other.id]
    assert shown(endpoint, Wish(until=utcnow() - timedelta(days=1))) == [old.id]
    assert set(shown(endpoint, Wish(since=utcnow() - timedelta(days=1)))) == {failed.id, other.id}


def test_a_delivery_of_another_webhook_is_not_there(linked, endpoint):
    other = factories.delivery(factories.endpoint(linked))
    with pytest.raises(NotFound):
        delivery_log.get_for(endpoint, other.id)
    assert shown(endpoint) == []


def test_each_line_has_its_latest_try(endpoint):
    delivery = factories.delivery(endpoint)
    tried(delivery, code=500)
    tried(delivery, code=204)
    [line] = delivery_log.page_of(endpoint, Wish(), behind=None).lines
    assert line.last is not None
    assert line.last.status_code == 204


def test_health_tells_how_many_arrived_what_waits_and_the_last_error(endpoint):
    for ms in (10, 20, 90):
        tried(factories.delivery(endpoint), ms=ms)
    tried(factories.delivery(endpoint, status=_D.FAILED), code=None, error="timeout", ms=90)
    factories.delivery(endpoint, status=_D.PENDING, finished_at=None)
    health = delivery_log.health_of(endpoint)
    assert (health.percent, health.finished, health.waiting, health.failed) == (75, 4, 1, 1)
    assert (health.median_ms, health.error) == (55, "timeout")


def test_a_webhook_that_was_told_nothing_has_no_health(endpoint):
    health = delivery_log.health_of(endpoint)
    assert (health.percent, health.median_ms, health.error) == (None, None, None)


@pytest.mark.parametrize("status", [_D.FAILED, _D.DELIVERED])
def test_a_finished_delivery_is_sent_again_under_its_id_with_all_its_tries(endpoint, status):
    delivery = factories.delivery(endpoint, status=status, attempts=4)
    with transaction():
        delivery_log.replay(endpoint, delivery)
    db.session.refresh(delivery)
    assert (delivery.status, delivery.attempts, delivery.finished_at) == ("pending", 0, None)
    assert delivery.due_at <= utcnow()


def test_a_delivery_that_waits_is_not_sent_again(endpoint):
    delivery = factories.delivery(endpoint, status=_D.PENDING)
    with pytest.raises(Conflict) as refused, transaction():
        delivery_log.replay(endpoint, delivery)
    assert refused.value.code == "delivery_waiting"


def test_all_that_failed_within_a_time_are_sent_again_and_nothing_else(linked, endpoint):
    failed = factories.delivery(endpoint, status=_D.FAILED)
    long_ago = utcnow() - timedelta(days=9)
    factories.delivery(endpoint, status=_D.FAILED, created_at=long_ago)
    factories.delivery(endpoint)
    factories.delivery(factories.endpoint(linked), status=_D.FAILED)
    with transaction():
        wish = Wish(since=utcnow() - timedelta(days=1))
        assert delivery_log.replay_failed(endpoint, wish) == 1
    waiting = db.session.scalars(select(Delivery.id).where(Delivery.status == _D.PENDING))
    assert waiting.all() == [failed.id]


@pytest.mark.parametrize(
    "act",
    [
        lambda off, delivery: delivery_log.send_test(off),
        lambda off, delivery: delivery_log.replay_failed(off, Wish()),
        delivery_log.replay,
    ],
)
def test_nothing_is_sent_to_a_webhook_that_is_off(linked, act):
    off = factories.endpoint(linked, enabled=False)
    delivery = factories.delivery(off, status=_D.FAILED)
    with pytest.raises(Conflict) as refused, transaction():
        act(off, delivery)
    assert refused.value.code == "webhook_off"


def test_a_test_event_says_which_webhook_it_tries(endpoint):
    with transaction():
        delivery = delivery_log.send_test(endpoint)
        body = json.loads(delivery.body)
    assert (body["event"], body["data"]["webhookId"]) == ("test", endpoint.id)


def test_what_is_older_than_the_log_is_kept_is_removed_with_its_tries(
    app_context, endpoint, monkeypatch
):
    monkeypatch.setattr(delivery_log, "CLEARED", 2)
    long_ago = utcnow() - timedelta(days=31)
    for _ in range(3):
        tried(factories.delivery(endpoint, created_at=long_ago))
    due = factories.delivery(endpoint, created_at=long_ago, status=_D.PENDING)
    young = factories.delivery(endpoint)
    jobs.clear_log()
    assert set(shown(endpoint)) == {due.id, young.id}
    assert db.session.scalars(select(Attempt)).all() == []
