"""Messages that are sent later, or not after a while, and queues that are paused."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.clock import utcnow
from app.core.errors import Conflict, Invalid
from app.core.states import DesiredState, MessageStatus
from app.extensions import db
from app.jobs import messages as jobs
from app.models import Message
from app.models.message import OUTGOING
from app.services import activity, messaging, queue, timing
from app.services.timing import Timing
from app.sessions import attention
from app.transaction import transaction
from tests import factories

HOUR = timedelta(hours=1)


def write(instance, chat, text: str = "Hello", **wanted) -> Message:
    with transaction():
        message = messaging.queue_text_in(
            instance, chat, text=text, source="ui", timing=Timing(**wanted)
        )
    return message


def bring_forward(message: Message, by: timedelta) -> None:
    """As if so much time had passed."""
    with transaction() as session:
        message = session.get_one(Message, message.id)
        for name in ("created_at", "due_at", "send_at", "expires_at", "shown_at"):
            if (value := getattr(message, name)) is not None:
                setattr(message, name, value - by)


def needs_its_session(instance) -> bool:
    with transaction():
        instance.desired = DesiredState.RUNNING
    return attention.needed([instance.id], utcnow()) == {instance.id}


def next_of(instance) -> str | None:
    message = messaging.next_queued(instance.id, instance.account_id)
    return message.body if message else None


def test_a_message_for_later_waits_for_its_time_and_holds_nothing_back(linked, chat):
    later = write(linked, chat, "later", send_at=utcnow() + HOUR)
    assert next_of(linked) is None
    assert not needs_its_session(linked)
    write(linked, chat, "now")
    assert next_of(linked) == "now"
    bring_forward(later, HOUR)
    assert needs_its_session(linked)


def test_what_was_due_first_goes_first(linked, chat):
    later = write(linked, chat, "due 59 minutes ago", send_at=utcnow() + timedelta(minutes=1))
    write(linked, chat, "written now")
    bring_forward(later, HOUR)
    assert next_of(linked) == "due 59 minutes ago"
    assert queue.page_of(linked).places[0].message.body == "due 59 minutes ago"


def test_a_message_for_later_comes_to_the_end_of_the_chat_when_it_goes(linked, chat):
    later = write(linked, chat, "later", send_at=utcnow() + HOUR)
    assert later.shown_at == later.send_at
    assert chat.last_text == ""
    bring_forward(later, HOUR + HOUR)
    before = utcnow()
    with transaction():
        assert messaging.claim(db.session.get_one(Message, later.id))
    assert later.shown_at >= before
    assert (chat.last_text, chat.last_at) == ("later", later.shown_at)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"send_at": utcnow() - HOUR}, "send_at_past"),
        ({"send_at": utcnow() + timedelta(days=400)}, "send_at_far"),
        ({"ttl": 0}, "bad_ttl"),
        ({"ttl": 31 * 24 * 3600}, "bad_ttl"),
    ],
)
def test_times_that_make_no_sense_are_refused(linked, chat, wanted, code):
    with pytest.raises(Invalid) as caught:
        write(linked, chat, **wanted)
    assert caught.value.code == code


def test_a_message_whose_time_is_over_is_not_sent_and_expires(linked, chat):
    message = write(linked, chat, ttl=60)
    fresh = write(linked, chat, "fresh", ttl=3600 * 2)
    bring_forward(message, HOUR)
    bring_forward(fresh, HOUR)
    assert next_of(linked) == "fresh"
    jobs.expire()
    assert db.session.get_one(Message, message.id).status == MessageStatus.EXPIRED
    assert db.session.get_one(Message, fresh.id).status == MessageStatus.QUEUED


def test_the_time_to_live_of_a_message_for_later_begins_when_it_is_due(linked, chat):
    at = utcnow() + HOUR
    assert write(linked, chat, send_at=at, ttl=60).expires_at == at + timedelta(seconds=60)


def test_a_message_that_is_being_sent_does_not_expire(linked, chat):
    past = utcnow() - HOUR
    message = factories.message(
        chat, direction=OUTGOING, status=MessageStatus.SENDING, expires_at=past
    )
    assert timing.expired() == []
    with transaction():
        assert not messaging.expire()
    assert message.status == MessageStatus.SENDING


def test_nothing_of_a_paused_queue_is_sent(linked, chat, bob):
    write(linked, chat)
    with transaction():
        queue.pause(linked, reason=" Переучёт ", actor=bob)
    assert next_of(linked) is None
    assert not needs_its_session(linked)
    assert queue.page_of(linked).places[0].wait == "pause"
    assert (linked.queue_paused_by, linked.queue_pause_reason) == ("Bob", "Переучёт")
    with transaction():
        queue.resume(linked, actor=bob)
    assert next_of(linked) == "Hello"
    kinds = [line.kind for line in activity.latest(linked)]
    assert kinds[:2] == ["message:queue:resumed", "message:queue:paused"]


def test_a_queue_is_paused_and_resumed_once(linked, bob):
    with pytest.raises(Conflict) as caught, transaction():
        queue.resume(linked, actor=bob)
    assert caught.value.code == "queue_not_paused"
    with transaction():
        queue.pause(linked, actor=bob)
    with pytest.raises(Conflict) as caught, transaction():
        queue.pause(linked, actor=bob)
    assert caught.value.code == "queue_paused"


def test_a_message_for_later_says_what_it_waits_for(linked, chat):
    write(linked, chat, send_at=utcnow() + HOUR)
    assert queue.page_of(linked).places[0].wait == "time"


def test_positions_follow_the_time_that_messages_are_due(linked, chat):
    start: datetime = utcnow()
    for number in (3, 1, 2):
        write(linked, chat, str(number), send_at=start + number * HOUR)
    first = queue.page_of(linked, limit=2)
    assert [one.message.body for one in first.places] == ["1", "2"]
    rest = queue.page_of(linked, behind=first.next, limit=2)
    assert [(one.message.body, one.position) for one in rest.places] == [("3", 3)]
