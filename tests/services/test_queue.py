"""The queue of an instance: in order, with a reason, and emptied again."""

from __future__ import annotations

import pytest

from app import bell, topics
from app.core.errors import Conflict
from app.core.states import InstanceState, MessageStatus
from app.extensions import db
from app.models import Instance
from app.models.message import OUTGOING
from app.services import activity, messaging, queue
from app.transaction import transaction
from tests import factories


def queued(chat, **overrides):
    values = {"direction": OUTGOING, "status": "queued", "wa_id": None, "source": "ui"}
    return factories.message(chat, **values | overrides)


def test_the_queue_is_told_in_the_order_it_is_sent_in(linked, chat):
    first, second = queued(chat), queued(chat)
    factories.message(chat)
    page = queue.page_of(linked)
    assert [(one.message.id, one.position) for one in page.places] == [
        (first.id, 1),
        (second.id, 2),
    ]
    assert (page.total, page.next) == (2, None)


def test_positions_go_on_over_pages(linked, chat):
    messages = [queued(chat) for _ in range(5)]
    page = queue.page_of(linked, limit=2)
    assert page.next == messages[1].id
    rest = queue.page_of(linked, behind=page.next, limit=9)
    assert [one.position for one in rest.places] == [3, 4, 5]
    assert rest.total == 5


def test_what_is_being_sent_stands_before_the_queue(linked, chat):
    queued(chat)
    under_way = queued(chat, status="sending")
    first = queue.page_of(linked).places[0]
    assert (first.message.id, first.position, first.wait) == (under_way.id, 0, None)
    assert queue.count(linked) == 1


@pytest.mark.parametrize(
    ("state", "wait"),
    [
        ("connected", "turn"),
        ("connecting", "connection"),
        ("disconnected", "connection"),
        ("stopped", "connection"),
        ("logged_out", "link"),
        ("pairing", "link"),
    ],
)
def test_a_message_says_what_it_waits_for(linked, chat, state, wait):
    queued(chat)
    with transaction():
        linked.state = InstanceState(state)
    assert queue.page_of(linked).places[0].wait == wait


def test_a_message_of_a_number_that_is_linked_no_more_says_so(linked, chat):
    queued(chat)
    factories.linked_account(linked)
    assert queue.page_of(db.session.get(Instance, linked.id)).places[0].wait == "other_number"


def test_a_queued_message_can_be_cancelled_once(linked, chat, bob):
    message = queued(chat)
    before = bell.version(topics.chats(linked.id))
    with transaction():
        queue.cancel(message, actor=bob)
    assert message.status == MessageStatus.CANCELLED
    assert bell.version(topics.chats(linked.id)) != before
    assert activity.latest(linked)[0].kind == "message:queue:cancelled"
    with pytest.raises(Conflict) as caught, transaction():
        queue.cancel(message)
    assert caught.value.code == "not_queued"


def test_a_message_that_is_being_sent_cannot_be_cancelled(linked, chat):
    message = queued(chat)
    with transaction():
        assert messaging.claim(message)
    with pytest.raises(Conflict) as caught, transaction():
        queue.cancel(message)
    assert caught.value.code == "being_sent"


def test_a_cancelled_message_is_not_claimed(linked, chat):
    message = queued(chat)
    with transaction():
        queue.cancel(message)
        assert messaging.next_queued(linked.id, chat.account_id) is None
        assert not messaging.claim(message)


def test_cancelling_all_leaves_what_is_under_way(linked, chat, bob):
    one, other = queued(chat), queued(chat)
    under_way = queued(chat, status="sending")
    before = bell.version(topics.chat(chat.id))
    with transaction():
        assert queue.cancel_all(linked, actor=bob) == 2
    assert {one.status for one in map(db.session.merge, (one, other))} == {"cancelled"}
    assert db.session.merge(under_way).status == "sending"
    assert bell.version(topics.chat(chat.id)) != before
    assert activity.latest(linked)[0].detail == {"count": 2}


def test_cancelling_an_empty_queue_leaves_no_line(linked):
    with transaction():
        assert queue.cancel_all(linked) == 0
    assert activity.latest(linked) == []
