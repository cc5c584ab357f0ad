"""What statistics are made of: each event once, in the hour that it belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from redis import Redis
from sqlalchemy import event, func, select

from app.clock import utcnow
from app.core.states import MessageStatus
from app.core.usage import COUNTERS, Grain
from app.extensions import db
from app.jobs import statistics as job
from app.models import CHAT_USAGE, USAGE, Chat, CountedBatch, FormerInstance, Message
from app.outgoing.sender import Answer
from app.services import api_calls, arrivals, chats, deletions, deliveries, messaging, receipts
from app.services.deliveries import Outcome
from app.transaction import transaction
from tests import factories
from tests.waiting import wait_for

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def at_noon():
    """The clock stands."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def counted(grain: Grain = Grain.HOUR, **where) -> dict[str, int]:
    """What all rows of the grain hold together, without what is nothing."""
    query = select(*(func.sum(USAGE.c[name]).label(name) for name in COUNTERS))
    query = query.where(USAGE.c.grain == grain)
    for name, value in where.items():
        query = query.where(USAGE.c[name] == value)
    row = db.session.execute(query).mappings().one()
    return {name: int(number) for name, number in row.items() if number}


def of_chats() -> dict[str, tuple[int, int]]:
    rows = db.session.execute(select(CHAT_USAGE).where(CHAT_USAGE.c.grain == Grain.DAY))
    return {row.chat_id: (row.sent, row.received) for row in rows}


def queued(instance, to="+79161234567", **values) -> Message:
    with transaction():
        return messaging.queue_text(
            instance, to=to, text="Hello", source="api", country="RU", **values
        )


def sent(instance, wa_id="3EB0A", at=None, **values) -> Message:
    message = queued(instance, **values)
    with transaction():
        messaging.claim(message)
        messaging.sent(message, wa_id, at or utcnow())
    return message


def heard(account, wa_id, status, at=None) -> None:
    with transaction():
        receipts.heard(account, [wa_id], status, at or utcnow())


def store(chat: Chat, wa_id="3EB0B", *, is_news=True, **values) -> Message | None:
    facts = {
        "from_me": False,
        "kind": "text",
        "text": "Hi",
        "at": utcnow(),
        "sender_phone": chat.phone,
        "sender_lid": chat.lid,
        "sender_name": "Anna",
    }
    arrival = arrivals.Arrival(wa_id=wa_id, chat=chat, **(facts | values))
    with transaction():
        return arrivals.store(arrival, is_news=is_news)


# Messages


def test_what_is_queued_is_not_counted_before_whatsapp_has_accepted_it(linked):
    queued(linked)
    assert counted() == {}


def test_a_message_counts_in_the_hour_the_day_and_the_month_in_which_it_was_sent(linked):
    sent(linked, at=NOON + 2 * HOUR)
    assert counted(start=NOON + 2 * HOUR) == {"sent": 1}
    assert counted(Grain.DAY, start=datetime(2026, 6, 30, tzinfo=UTC)) == {"sent": 1}
    assert counted(Grain.MONTH, start=datetime(2026, 6, 1, tzinfo=UTC)) == {"sent": 1}


def test_what_becomes_of_a_message_counts_where_it_was_sent_whenever_that_is(linked, at_noon):
    sent(linked)
    at_noon.shift(3 * HOUR)
    heard(linked.account, "3EB0A", MessageStatus.DELIVERED)
    heard(linked.account, "3EB0A", MessageStatus.READ)
    heard(linked.account, "3EB0A", MessageStatus.READ)
    assert counted(start=NOON) == {"sent": 1, "delivered": 1, "read": 1}
    assert counted() == counted(start=NOON)


def test_a_receipt_that_settles_an_unconfirmed_message_counts_it_once(linked):
    message = queued(linked)
    with transaction():
        messaging.claim(message)
        messaging.unconfirmed(message, "3EB0A")
    assert counted() == {}
    heard(linked.account, "3EB0A", MessageStatus.READ)
    with transaction():
        messaging.sent(message, "3EB0A", utcnow())
    assert counted() == {"sent": 1, "delivered": 1, "read": 1}


def test_a_message_that_failed_counts_as_failed_until_it_is_tried_again(linked):
    message = queued(linked)
    with transaction():
        messaging.refused(message, "no_such_number")
    assert counted() == {"failed": 1}
    with transaction():
        messaging.retry(message)
    assert counted() == {}


def test_a_message_whose_time_is_over_counts_as_failed(linked, at_noon):
    message = queued(linked)
    with transaction() as session:
        session.get_one(Message, message.id).expires_at = NOON
        session.flush()
        messaging.expire()
    assert counted() == {"failed": 1}


def test_what_comes_counts_in_the_hour_in_which_it_was_written(chat):
    store(chat, at=NOON - 5 * HOUR)
    store(chat, at=NOON - 5 * HOUR)  # WhatsApp tells it again
    assert counted(start=NOON - 5 * HOUR) == {"received": 1}
    assert counted() == {"received": 1}


def test_files_count_as_messages_and_as_files(chat):
    store(chat, "1", kind="image")
    store(chat, "2", kind="voice", from_me=True)
    assert counted() == {"received": 1, "media_received": 1, "sent": 1, "media_sent": 1} | {
        "replies_0": 1
    }


def test_what_was_written_on_the_phone_counts_as_sent(chat, account):
    store(chat, from_me=True)
    heard(account, "3EB0B", MessageStatus.DELIVERED)
    assert counted() == {"sent": 1, "delivered": 1}


def test_the_phones_history_is_not_counted_nor_what_becomes_of_it(chat, account):
    store(chat, "1", is_news=False, at=NOON - 48 * HOUR)
    store(chat, "2", is_news=False, at=NOON - 47 * HOUR, from_me=True)
    heard(account, "2", MessageStatus.READ)
    assert counted() == {}
    assert of_chats() == {}


def test_a_rollback_counts_nothing(chat):
    with pytest.raises(RuntimeError), transaction():
        arrivals.store(
            arrivals.Arrival("3EB0", chat, False, "text", "Hi", NOON, chat.phone, None, "Anna")
        )
        raise RuntimeError
    assert counted() == {}
    store(chat, "3EB1")
    assert counted() == {"received": 1}


def test_a_batch_adds_to_each_row_once(chat):
    statements = []

    def note(_connection, _cursor, statement, parameters, _context, many):
        if "INSERT INTO usage" in statement:
            statements.append(len(parameters) if many else 1)

    event.listen(db.engine, "before_cursor_execute", note)
    with transaction():
        for number in range(50):
            arrivals.store(
                arrivals.Arrival(
                    f"A{number}", chat, False, "text", "Hi", NOON, chat.phone, None, "Anna"
                )
            )
    event.remove(db.engine, "before_cursor_execute", note)
    assert counted() == {"received": 50}
    assert statements == [3]  # one statement, a row each of hour, day and month


# Answers


def test_the_first_answer_counts_by_how_long_somebody_has_waited(chat, at_noon):
    store(chat, "1")
    at_noon.shift(4 * MINUTE)
    store(chat, "2")
    at_noon.shift(3 * MINUTE)
    answer = store(chat, "3", from_me=True)
    store(chat, "4", from_me=True)
    assert answer.reply_seconds == 7 * 60
    assert counted() == {"received": 2, "sent": 2, "replies_10": 1}  # up to 7 and a half minutes


def test_what_was_written_before_the_question_answers_nothing(chat, at_noon):
    store(chat, "1")
    store(chat, "2", from_me=True, at=NOON - MINUTE)
    assert counted() == {"received": 1, "sent": 1}


def test_nobody_waits_in_a_group(account):
    group = factories.chat(account, kind="group", group_id="120363", lid=None, phone=None)
    store(group, "1")
    store(group, "2", from_me=True)
    assert counted() == {"received": 1, "sent": 1}


# Chats


def test_each_chat_is_counted_by_the_day(chat, account):
    other = factories.chat(account)
    store(chat, "1")
    store(other, "2")
    store(other, "3", from_me=True)
    assert of_chats() == {chat.id: (0, 1), other.id: (1, 1)}


def test_chats_that_turn_out_to_be_one_are_counted_as_one(account):
    by_number = factories.chat(account, phone="79160000009", lid=None)
    by_lid = factories.chat(account, phone=None, lid="900900")
    store(by_number, "1", at=NOON - MINUTE)
    with transaction():
        arrivals.store(
            arrivals.Arrival("2", by_lid, False, "text", "Hi", NOON, None, "900900", "Anna")
        )
        one = chats.person(account, phone="79160000009", lid="900900", name="")
    assert of_chats() == {one.id: (0, 2)}
    assert one.waiting_since == NOON - MINUTE


# Webhooks


def test_every_try_of_a_webhook_counts_with_its_time(linked):
    endpoint = factories.endpoint(linked)
    for _ in range(2):
        factories.delivery(endpoint, status="pending", attempts=0, finished_at=None)
    with transaction():
        one, other = deliveries.claim(endpoint.id)
    with transaction():
        deliveries.record(
            [
                Outcome(one, Answer(duration_ms=40, status=200), NOON),
                Outcome(other, Answer(duration_ms=60, status=500), NOON + HOUR),
            ]
        )
    assert counted(start=NOON) == {"webhook_calls": 1, "webhook_delivered": 1, "webhook_ms": 40}
    assert counted(start=NOON + HOUR) == {"webhook_calls": 1, "webhook_ms": 60}


def test_a_failure_of_our_own_is_no_call(linked):
    endpoint = factories.endpoint(linked)
    factories.delivery(endpoint, status="pending", attempts=0, finished_at=None)
    with transaction():
        [parcel] = deliveries.claim(endpoint.id)
    with transaction():
        deliveries.record([Outcome(parcel, Answer(1, error="offline", ours=True), NOON)])
    assert counted() == {}


# Calls to the API


def call(owner_id, instance_id):
    api_calls.note(owner_id, instance_id)
    api_calls.hand_over()


def test_calls_count_for_the_caller_and_an_instance_that_is_theirs(linked, charlie):
    foreign = factories.instance(charlie)
    for instance_id in (linked.id, linked.id, None, foreign.id, "no id"):
        call(linked.owner_id, instance_id)
    job.flush_calls()
    job.flush_calls()
    assert counted(instance_id=linked.id) == {"api_calls": 2}
    assert counted(instance_id="", owner_id=linked.owner_id) == {"api_calls": 3}
    assert counted(owner_id=charlie.id) == {}


def test_calls_count_in_the_hour_in_which_they_were_made(linked, at_noon):
    call(linked.owner_id, None)
    at_noon.shift(HOUR)
    call(linked.owner_id, None)
    job.flush_calls()
    assert counted(start=NOON) == counted(start=NOON + HOUR) == {"api_calls": 1}


def test_a_clock_that_is_killed_counts_no_call_twice_and_loses_none(linked, monkeypatch):
    call(linked.owner_id, None)
    assert api_calls.take() is not None  # killed before it has counted them
    call(linked.owner_id, None)
    with monkeypatch.context() as patch:
        patch.setattr(api_calls, "forget", lambda batch: None)  # killed before it has forgotten
        job.flush_calls()
    assert counted() == {"api_calls": 1}
    job.flush_calls()
    assert counted() == {"api_calls": 1}
    job.flush_calls()
    assert counted() == {"api_calls": 2}
    assert len(list(db.session.scalars(select(CountedBatch)))) == 2


def test_a_slow_clock_forgets_only_what_it_has_counted(linked):
    call(linked.owner_id, None)
    slow = api_calls.take()
    job.flush_calls()
    call(linked.owner_id, None)
    api_calls.take()
    api_calls.forget(slow)
    job.flush_calls()
    assert counted() == {"api_calls": 2}


def test_a_call_is_handed_to_redis_soon_after(linked, settings):
    api_calls.note(linked.owner_id, None)
    with Redis.from_url(settings.redis_location) as redis:
        wait_for(lambda: redis.exists(api_calls.CALLS), 10)
    job.flush_calls()
    assert counted() == {"api_calls": 1}


def test_calls_that_redis_does_not_take_are_lost_and_hold_up_nobody(linked, monkeypatch):
    with Redis.from_url("redis://127.0.0.1:1") as nobody, monkeypatch.context() as patch:
        patch.setattr(api_calls.bell, "redis", lambda: nobody)
        call(linked.owner_id, None)
    call(linked.owner_id, None)
    job.flush_calls()
    assert counted() == {"api_calls": 1}


# Deletion


def test_what_a_deleted_instance_did_stays_counted_under_its_name(linked, bob):
    chat = factories.chat(linked.account)
    store(chat)
    with transaction():
        deletions.delete(linked, actor=bob)
    assert counted() == {"received": 1}
    assert of_chats() == {}
    assert [row.name for row in db.session.scalars(select(FormerInstance))] == ["Linked"]
