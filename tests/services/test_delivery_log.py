"""The log of a webhook: what it shows, what is sent again, what is cleared away."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select, text

from app.clock import utcnow
from app.core.errors import Conflict, NotFound
from app.core.ids import new_id, next_id
from app.extensions import db
from app.jobs import webhooks as jobs
from app.models import Attempt, Delivery, Endpoint, Instance
from app.models.webhook import DeliveryStatus
from app.services import delivery_log, webhook_health
from app.services.delivery_log import Scope, Wish
from app.transaction import transaction
from tests import factories
from tests.queries import plan_of, selects

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
    part = delivery_log.page_of(Scope.of(endpoint), wish, behind=None, **page)  # type: ignore[arg-type]
    return [line.delivery.id for line in part.lines]


def test_the_log_has_the_newest_first_a_page_at_a_time(endpoint):
    ids = [factories.delivery(endpoint).id for _ in range(5)]
    first = delivery_log.page_of(Scope.of(endpoint), Wish(), behind=None, limit=3)
    second = delivery_log.page_of(Scope.of(endpoint), Wish(), behind=first.next, limit=3)
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
    [line] = delivery_log.page_of(Scope.of(endpoint), Wish(), behind=None).lines
    assert line.last is not None
    assert line.last.status_code == 204


def test_health_tells_how_many_arrived_what_waits_and_the_last_error(endpoint):
    for ms in (10, 20, 90):
        tried(factories.delivery(endpoint), ms=ms)
    tried(factories.delivery(endpoint, status=_D.FAILED), code=None, error="timeout", ms=90)
    with transaction() as session:
        endpoint = session.get_one(Endpoint, endpoint.id)
        endpoint.last_error, endpoint.last_error_at = "timeout", utcnow()
    factories.delivery(endpoint, status=_D.PENDING, finished_at=None)
    health = webhook_health.health_of(endpoint)
    assert (health.percent, health.finished, health.waiting, health.failed) == (75, 4, 1, 1)
    assert (health.median_ms, health.error) == (55, "timeout")


def test_a_webhook_that_was_told_nothing_has_no_health(endpoint):
    health = webhook_health.health_of(endpoint)
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
        wish = Wish(status=_D.FAILED, since=utcnow() - timedelta(days=1))
        assert delivery_log.replay_all(Scope.of(endpoint), wish) == 1
    waiting = db.session.scalars(select(Delivery.id).where(Delivery.status == _D.PENDING))
    assert waiting.all() == [failed.id]


@pytest.mark.parametrize(
    "act",
    [
        lambda off, delivery: delivery_log.send_test(off),
        lambda off, delivery: delivery_log.replay_all(Scope.of(off), Wish()),
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


@pytest.fixture
def everywhere(linked) -> Endpoint:
    """A webhook that is told of all instances."""
    return factories.endpoint(linked, instance_id=None, url="https://all.example/")


def in_scope(scope: Scope, wish: Wish = Wish()) -> list[str]:  # noqa: B008
    return [one.delivery.id for one in delivery_log.page_of(scope, wish, behind=None).lines]


def test_one_log_holds_what_went_to_all_webhooks_of_a_person(linked, charlie, endpoint, everywhere):
    own = factories.delivery(endpoint)
    other = factories.delivery(everywhere, instance_id=None)
    factories.delivery(factories.endpoint(factories.instance(charlie)))
    assert in_scope(Scope(linked.owner_id)) == [other.id, own.id]


def test_the_log_of_an_instance_has_its_events_alone_whichever_webhook_was_told(
    linked, bob, endpoint, everywhere
):
    own = factories.delivery(endpoint)
    other = factories.delivery(everywhere, instance_id=linked.id)
    factories.delivery(everywhere, instance_id=factories.instance(bob).id)
    assert in_scope(Scope(bob.id, instance=linked)) == [other.id, own.id]
    assert in_scope(Scope(bob.id, endpoint=everywhere, instance=linked)) == [other.id]


def test_what_belongs_to_an_instance_that_is_being_deleted_is_not_in_the_log(linked, endpoint):
    factories.delivery(endpoint, status=_D.FAILED)
    with transaction() as session:
        session.get_one(Instance, linked.id).deleted_at = utcnow()
    scope = Scope(linked.owner_id)
    assert in_scope(scope) == []
    assert delivery_log.replayable(scope, Wish()) == {}


def test_a_range_is_sent_again_with_what_had_arrived_in_it(linked, endpoint, everywhere):
    hours = [utcnow() - timedelta(hours=ago) for ago in (3, 2, 1)]
    for moment, status in zip(hours, (_D.FAILED, _D.DELIVERED, _D.FAILED), strict=True):
        factories.delivery(endpoint, created_at=moment, status=status)
    wish = Wish(since=hours[0] + timedelta(minutes=1), until=hours[2] + timedelta(minutes=1))
    factories.delivery(everywhere, created_at=hours[1], status=_D.FAILED)
    scope = Scope(linked.owner_id)
    assert delivery_log.replayable(scope, wish) == {_D.DELIVERED: 1, _D.FAILED: 2}
    with transaction():
        assert delivery_log.replay_all(scope, wish) == 3
    assert delivery_log.replayable(scope, Wish()) == {_D.FAILED: 1}


def test_a_webhook_that_is_off_is_left_out_when_all_are_sent_again(linked, endpoint):
    off = factories.endpoint(linked, enabled=False, url="https://off.example/")
    for one in (endpoint, off):
        factories.delivery(one, status=_D.FAILED)
    with transaction():
        assert delivery_log.replay_all(Scope(linked.owner_id), Wish(status=_D.FAILED)) == 1
    assert shown(off, Wish(status=_D.FAILED))


def test_health_of_many_webhooks_is_reckoned_in_two_queries(linked, endpoint, everywhere):
    for one, status in ((endpoint, _D.DELIVERED), (everywhere, _D.FAILED)):
        tried(factories.delivery(one, status=status))
    factories.endpoint(linked, url="https://silent.example/")
    every = list(db.session.scalars(select(Endpoint).order_by(Endpoint.id)))
    with selects() as asked:
        health = webhook_health.health_of_each(every)
    assert len(asked) == 2
    assert [health[one.id].percent for one in every] == [100, 0, None]


MANY = 6_000


@pytest.fixture
def full_log(linked, endpoint, everywhere) -> None:
    """Two webhooks' deliveries of a day; each hundredth of the older half failed."""
    start = utcnow() - timedelta(days=1)
    rows = [_row(linked, (endpoint, everywhere)[n % 2], start, n) for n in range(MANY)]
    with transaction() as session:
        session.execute(insert(Delivery), rows)
        session.execute(text("ANALYZE deliveries"))


def _row(linked, endpoint: Endpoint, start: datetime, number: int) -> dict[str, object]:
    moment = start + timedelta(seconds=number * 10)
    failed = number % 100 == 0 and number < MANY // 2
    return {
        "id": next_id("dlv", moment, after=""),
        "endpoint_id": endpoint.id,
        "owner_id": linked.owner_id,
        "instance_id": linked.id,
        "event": "message_edited" if failed else "message_received",
        "body": b"x" * 400,
        "status": _D.FAILED if failed else _D.DELIVERED,
        "attempts": 1,
        "due_at": moment,
        "created_at": moment,
    }


NOON = utcnow() - timedelta(hours=12)
WISHES = [
    Wish(),
    Wish(status=_D.FAILED),
    Wish(status=_D.DELIVERED),
    Wish(event="message_edited"),
    Wish(status=_D.FAILED, event="message_sent"),
    Wish(since=NOON),
    Wish(until=NOON, status=_D.FAILED),
]


def test_a_long_log_is_found_in_its_indexes_alone(linked, endpoint, everywhere, full_log):
    owner = linked.owner_id
    for scope, index in (
        (Scope(owner, endpoint=endpoint), "ix_deliveries_log"),
        (Scope(owner, instance=linked), "ix_deliveries_log_of_instance"),
        (Scope(owner), "ix_deliveries_log_of_owner"),
    ):
        for wish in WISHES:
            plan = plan_of(
                lambda scope=scope, wish=wish: delivery_log.page_of(scope, wish, behind=None),
                "JOIN (SELECT deliveries.id",
            )
            assert "SCAN deliveries" not in plan and "Seq Scan on deliveries" not in plan, plan
            # PostgreSQL may take the one of the ids, which has the same order, where most rows fit.
            assert re.search(rf"({index}|pk_deliveries)\b", plan), (wish, plan)


def test_a_page_of_the_log_takes_as_many_queries_however_long_it_is(linked, endpoint, full_log):
    def queries(limit: int) -> int:
        db.session.expire_all()
        scope = Scope(endpoint.owner_id)
        with selects() as asked:
            part = delivery_log.page_of(scope, Wish(), behind=None, limit=limit)
        assert len(part.lines) == limit
        return len(asked)

    assert queries(50) == queries(2)
