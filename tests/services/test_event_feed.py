"""Events for who fetches them: which are kept, in what order, and for how long."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from app.clock import utcnow
from app.core.errors import CursorTooOld, Invalid
from app.core.events import Event
from app.core.ids import first_id, is_id, next_id
from app.extensions import db
from app.jobs import events as job
from app.models import Delivery, EventFeed, Instance, KeptEvent
from app.services import event_feed, outbox
from app.transaction import before_commit, transaction
from tests import factories

HOUR = timedelta(hours=1)


@pytest.fixture
def shop(app_context, bob) -> Instance:
    return factories.instance(bob)


@pytest.fixture
def feed(shop) -> EventFeed:
    """That of `shop`, from now on."""
    return want(shop)


def want(instance: Instance) -> EventFeed:
    with transaction() as session:
        return event_feed.want(session.get_one(Instance, instance.id))


def tell(instance: Instance, *texts: str, event: Event = Event.MESSAGE_RECEIVED) -> None:
    emit(instance.id, *texts, event=event)


def emit(instance_id: str, *texts: str, event: Event = Event.MESSAGE_RECEIVED) -> None:
    with transaction():
        for text in texts:
            outbox.emit(instance_id, event, {"body": text})


def part(instance: Instance, cursor: str, *, events=(), limit=100) -> event_feed.Part:
    db.session.rollback()
    return event_feed.part_of(instance.id, cursor, events=events, limit=limit)


def texts(part: event_feed.Part) -> list[str]:
    return [one.body.decode().partition('"body":"')[2].partition('"')[0] for one in part.events]


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(KeptEvent)) or 0


def start(instance: Instance, since: str | None = None) -> str:
    db.session.rollback()
    return event_feed.start_of(db.session.get_one(EventFeed, instance.id), since)


# Which


def test_nothing_is_kept_where_nobody_fetches(shop):
    tell(shop, "one")
    assert count() == 0


def test_what_is_told_after_the_first_asking_is_kept_in_its_order(shop):
    tell(shop, "before")
    feed = want(shop)
    tell(shop, "one", "two")
    tell(shop, "three")
    assert texts(part(shop, feed.oldest)) == ["one", "two", "three"]


def test_what_is_undone_is_not_kept(shop, feed):
    with pytest.raises(ZeroDivisionError), transaction():
        outbox.emit(shop.id, Event.MESSAGE_RECEIVED, {"body": "undone"})
        raise ZeroDivisionError
    tell(shop, "one")
    assert texts(part(shop, feed.oldest)) == ["one"]


def test_the_body_is_the_one_that_webhooks_get(shop, feed):
    factories.endpoint(shop)
    tell(shop, "one")
    (event,) = part(shop, feed.oldest).events
    assert event.body == db.session.scalar(select(Delivery.body))
    assert event.event == "message_received"


def test_every_instance_has_its_own(shop, feed, bob):
    other = factories.instance(bob)
    theirs = want(other)
    with transaction():
        for text in ("one", "two"):
            outbox.emit(shop.id, Event.MESSAGE_RECEIVED, {"body": text})
            outbox.emit(other.id, Event.MESSAGE_RECEIVED, {"body": f"other {text}"})
    assert texts(part(shop, feed.oldest)) == ["one", "two"]
    assert texts(part(other, theirs.oldest)) == ["other one", "other two"]


def test_events_are_chosen_and_the_cursor_passes_the_others(shop, feed):
    tell(shop, "one")
    tell(shop, "two", event=Event.MESSAGE_SENT)
    tell(shop, "three")
    found = part(shop, feed.oldest, events=[Event.MESSAGE_SENT])
    assert texts(found) == ["two"]
    assert texts(part(shop, found.cursor)) == []


def test_a_part_leads_to_the_next(shop, feed):
    tell(shop, "one", "two", "three")
    first = part(shop, feed.oldest, limit=2)
    rest = part(shop, first.cursor, limit=2)
    assert (texts(first), first.more) == (["one", "two"], True)
    assert (texts(rest), rest.more) == (["three"], False)
    assert part(shop, rest.cursor) == event_feed.Part([], rest.cursor, more=False)


# Where to begin


def test_who_says_nothing_begins_with_the_oldest_and_who_says_now_behind_all(shop, feed):
    tell(shop, "one")
    assert texts(part(shop, start(shop))) == ["one"]
    assert texts(part(shop, start(shop, "now"))) == []


@pytest.mark.parametrize(
    "since", ["", "evt_1", "ins_00000000000000000000000000", "evt_" + "é" * 26]
)
def test_what_is_no_cursor_is_refused(shop, feed, since):
    with pytest.raises(Invalid) as refused:
        start(shop, since)
    assert refused.value.code == "bad_cursor"


def test_a_cursor_from_the_future_is_refused(shop, feed):
    with pytest.raises(Invalid):
        start(shop, first_id("evt", utcnow() + HOUR))


# Order


def test_who_commits_later_is_behind_whatever_the_clocks_say(shop, feed):
    tell(shop, "one")
    with time_machine.travel(utcnow() - HOUR):
        tell(shop, "two", "three")
    assert texts(part(shop, feed.oldest)) == ["one", "two", "three"]


def test_an_id_behind_another_carries_over():
    moment = datetime.fromtimestamp(0, tz=utcnow().tzinfo)
    assert next_id("evt", moment, after="evt_" + "7" + "Z" * 25) == "evt_8" + "0" * 25
    assert is_id("evt", next_id("evt", utcnow(), after=""))


def test_a_cursor_skips_nothing_that_is_committed_late(app: Flask, shop, feed):
    """The first writer has told of its event, and made what else it makes, long before the second,
    but commits after it. Whoever reads in between must still get both."""
    told, go, instance_id = threading.Event(), threading.Event(), shop.id
    in_time: list[bool] = []

    def slowly() -> None:
        with app.app_context(), transaction():
            outbox.emit(instance_id, Event.MESSAGE_RECEIVED, {"body": "slow"})
            told.set()
            in_time.append(go.wait(10))

    thread = threading.Thread(target=slowly)
    if db.engine.dialect.name == "sqlite":
        go.set()  # there a transaction that writes is alone
    thread.start()
    assert told.wait(10)
    tell(shop, "quick")
    first = part(shop, feed.oldest)
    go.set()
    thread.join()
    rest = part(shop, first.cursor)
    assert sorted(texts(first) + texts(rest)) == ["quick", "slow"]
    assert in_time == [True], "the second had to wait for the first"


def test_a_reader_beside_many_writers_gets_all_in_one_order(app: Flask, shop, feed):
    writers, each, instance_id = 4, 15, shop.id

    def write(writer: int) -> None:
        with app.app_context():
            for number in range(each):
                emit(instance_id, *(f"{writer}-{number}-{which}" for which in range(2)))

    seen: list[str] = []
    cursor, over = feed.oldest, False
    with ThreadPoolExecutor(writers) as pool:
        work = [pool.submit(write, writer) for writer in range(writers)]
        while not over:
            over = all(one.done() for one in work)
            found = part(shop, cursor, limit=500)
            seen, cursor = seen + texts(found), found.cursor
    assert [one.result() for one in work] == [None] * writers
    assert len(seen) == writers * each * 2
    assert seen == texts(part(shop, feed.oldest, limit=1000))


# How long


def test_old_events_go_in_parts_and_older_cursors_are_told(shop, feed, monkeypatch):
    monkeypatch.setattr(event_feed, "CLEARED", 2)
    tell(shop, "one", "two", "three", "four", "five")
    first = part(shop, feed.oldest, limit=1).cursor
    with time_machine.travel(utcnow() + 71 * HOUR):
        want(shop)
        tell(shop, "new")
        job.clear()
    assert count() == 6
    with time_machine.travel(utcnow() + 73 * HOUR):
        job.clear()
    assert count() == 1
    with pytest.raises(CursorTooOld) as gone:
        start(shop, first)
    with pytest.raises(CursorTooOld):
        part(shop, first)
    assert texts(part(shop, start(shop, gone.value.oldest))) == ["new"]
    assert texts(part(shop, start(shop))) == ["new"]


def test_who_has_read_all_that_went_goes_on(shop, feed):
    tell(shop, "one")
    cursor = part(shop, feed.oldest).cursor
    with time_machine.travel(utcnow() + 73 * HOUR):
        job.clear()
        tell(shop, "two")
        assert texts(part(shop, start(shop, cursor))) == ["two"]


def test_nothing_is_kept_any_more_a_week_after_the_last_asking(shop, feed):
    cursor = feed.oldest
    with time_machine.travel(utcnow() + timedelta(days=7, seconds=1)):
        tell(shop, "unheard")
        assert count() == 0
        assert event_feed.feed_of(shop) is None
        again = want(shop)
        tell(shop, "heard")
        with pytest.raises(CursorTooOld):
            start(shop, cursor)
        assert texts(part(shop, again.oldest)) == ["heard"]


def test_asking_keeps_a_feed_alive_and_loses_nothing(shop, feed):
    cursor = feed.oldest
    tell(shop, "one")
    assert event_feed.feed_of(shop) is not None
    with time_machine.travel(utcnow() + timedelta(days=2)):
        assert event_feed.feed_of(shop) is None
        want(shop)
        assert event_feed.feed_of(shop) is not None
        assert texts(part(shop, start(shop, cursor))) == ["one"]


def test_the_events_go_with_their_instance(shop, feed):
    tell(shop, "one")
    with transaction() as session:
        session.delete(session.get_one(Instance, shop.id))
    assert count() == 0


# What transactions promise


def test_what_comes_before_a_commit_is_dropped_with_it(app_context):
    done: list[list[str]] = []
    with pytest.raises(ZeroDivisionError), transaction():
        before_commit(done.append, "undone")
        raise ZeroDivisionError
    with transaction():
        before_commit(done.append, "one")
        before_commit(done.append, "two")
        assert done == []
    assert done == [["one", "two"]]
