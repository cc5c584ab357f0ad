"""Counting anew from what is kept gives what was counted as it happened."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from app.core.states import MessageStatus
from app.extensions import db
from app.jobs import statistics as job
from app.models import CHAT_USAGE, USAGE, Instance
from app.outgoing.sender import Answer
from app.services import api_calls, deliveries, messaging, recounting
from app.services.deliveries import Outcome
from app.transaction import transaction
from tests import factories
from tests.services.test_counting import heard, queued, sent, store

START = datetime(2026, 6, 29, 3, tzinfo=UTC)


def rows() -> list[dict]:
    """Everything that is counted, without rows in which nothing is."""
    db.session.rollback()
    found = []
    for table in (USAGE, CHAT_USAGE):
        order = list(table.primary_key)
        for row in db.session.execute(select(table).order_by(*order)).mappings():
            if any(value for value in row.values() if isinstance(value, int)):
                found.append(dict(row))
    return found


def recount() -> list[dict[str, int]]:
    changes = []
    for subject in recounting.subjects():
        with transaction():
            changes.append(recounting.recount(subject).differences)
    return [one for one in changes if one]


@pytest.fixture
def busy_days(linked, account) -> Instance:
    """An instance in which all sorts of things have happened for some days, by chance."""
    dice = random.Random(7)  # noqa: S311 - a test's own chance
    people = [factories.chat(account) for _ in range(3)]
    people.append(factories.chat(account, kind="group", group_id="120363", lid=None, phone=None))
    endpoint = factories.endpoint(linked)
    with time_machine.travel(START, tick=False) as clock:
        for number in range(60):
            clock.shift(timedelta(minutes=dice.randrange(1, 120)))
            _something(dice, linked, account, dice.choice(people), f"W{number}")
            if number % 6 == 0:
                _call(endpoint, clock_at=START + timedelta(hours=number), status=200 + number)
                api_calls.note(linked.owner_id, linked.id)
        api_calls.hand_over()
        job.flush_calls()
    return linked


def _something(dice, instance, account, chat, wa_id) -> None:
    kind = dice.choice(["text", "image"])
    what = dice.choice(["in", "in", "phone", "sent", "sent", "failed", "history"])
    if what == "failed":
        message = queued(instance)
        with transaction():
            messaging.refused(message, "no_such_number")
    elif what == "sent":
        sent(instance, wa_id, to=chat.jid)
        far = dice.choice([None, MessageStatus.DELIVERED, MessageStatus.READ])
        if far and not chat.is_group:
            heard(account, wa_id, far)
    else:
        store(chat, wa_id, kind=kind, from_me=what == "phone", is_news=what != "history")


def _call(endpoint, clock_at, status) -> None:
    factories.delivery(endpoint, status="pending", attempts=0, finished_at=None)
    with transaction():
        parcels = deliveries.claim(endpoint.id)
    with transaction():
        answer = Answer(duration_ms=status, status=status)
        deliveries.record([Outcome(one, answer, clock_at) for one in parcels])


def test_counting_anew_gives_what_was_counted_as_it_happened(busy_days):
    live = rows()
    assert {row["grain"] for row in live} == {"hour", "day", "month"}
    assert sum(row.get("api_calls", 0) for row in live if row["grain"] == "month") == 10
    with time_machine.travel(START + timedelta(days=5)):
        assert recount() == []
    assert rows() == live


def test_what_was_counted_wrong_is_right_again(busy_days):
    live = rows()
    with transaction() as session:
        session.execute(update(USAGE).values(sent=USAGE.c.sent + 5, replies_3=9, webhook_ms=0))
        session.execute(update(CHAT_USAGE).values(received=0))
    with time_machine.travel(START + timedelta(days=5)):
        assert {name for change in recount() for name in change} == {
            *("sent", "replies_3", "webhook_ms")
        }
    assert rows() == live


def test_webhooks_older_than_their_log_stay_as_they_are(busy_days):
    live = rows()
    with time_machine.travel(START + timedelta(days=400)):
        recount()
    assert rows() == live


def test_the_command_tells_what_it_changes(app, busy_days):
    live = rows()
    with transaction() as session:
        session.execute(update(USAGE).where(USAGE.c.grain == "hour").values(failed=0))
    broken = rows()
    run = app.test_cli_runner().invoke
    looked = run(args=["stats", "rebuild", "--dry-run"])
    assert f"{busy_days.id}: failed +" in looked.output
    assert "Would change: 1" in looked.output
    assert rows() == broken
    assert "Changed: 1" in run(args=["stats", "rebuild"]).output
    with time_machine.travel(START + timedelta(days=5)):
        assert "Changed: 0" in run(args=["stats", "rebuild"]).output
    assert rows() == live
