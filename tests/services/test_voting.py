"""Votes in polls: what is kept of them, and ours in the queue."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.clock import utcnow
from app.core.details import Poll, as_data
from app.core.errors import Conflict, Invalid
from app.core.events import Subscription
from app.extensions import db
from app.models import Chat, Delivery, Message, PollVote
from app.services import amending, amendments, conversation, messaging, polls
from app.services.amendments import Author
from app.transaction import transaction
from tests import factories

PEER, ME = Author(from_me=False, lid="77", name="Maria"), Author(from_me=True)
OPTIONS = ("Today", "Tomorrow", "Later")


@pytest.fixture
def chat(linked) -> Chat:
    factories.endpoint(linked, events=list(Subscription))
    return factories.chat(linked.account, phone="79167654321")


@pytest.fixture
def poll(chat) -> Message:
    return asked(chat)


def asked(chat: Chat, *, choices: int = 0, **values) -> Message:
    """A poll that somebody sent."""
    details = as_data(Poll("When?", OPTIONS, choices))
    fields = {"kind": "poll", "body": "When?", "details": details, "secret": bytes(32)}
    return factories.message(chat, **{"sender_lid": "77", **fields, **values})


def vote(poll: Message, author: Author, *chosen: str, late: int = 0, is_news: bool = True) -> None:
    at = utcnow() - timedelta(seconds=late)
    with transaction():
        amendments.vote(poll, author, chosen, at, is_news=is_news)


def standing(poll: Message) -> dict[str, list[str]]:
    """Who has chosen what."""
    options = polls.results_of(poll).options
    return {one.text: [vote.author for vote in one.voters] for one in options if one.voters}


def told() -> list[dict]:
    rows = db.session.scalars(select(Delivery).order_by(Delivery.created_at, Delivery.id))
    return [json.loads(row.body)["data"] for row in rows if row.event == "poll_vote"]


def queue(poll: Message, *options: str) -> Message:
    with transaction():
        return amending.vote(poll, options, source="ui")


def send(amendment: Message) -> None:
    with transaction():
        assert messaging.claim(amendment)
        amending.begin_vote(amendment, db.session.get_one(Message, amendment.target_id))
    with transaction():
        assert messaging.sent(amendment, f"3EB0{amendment.id}", utcnow())
        amending.done(amendment, utcnow())


def test_the_votes_of_several_people_are_counted(poll):
    vote(poll, PEER, "Today", "Later")
    vote(poll, ME, "Later")
    assert standing(poll) == {"Today": ["77"], "Later": ["77", "me"]}
    results = polls.results_of(poll)
    assert (results.voters, [one.is_ours for one in results.options]) == (2, [False, False, True])


def test_a_newer_vote_takes_the_place_of_an_older_one_whichever_comes_first(poll):
    vote(poll, PEER, "Today", late=60)
    vote(poll, PEER, "Tomorrow", late=20)
    vote(poll, PEER, "Later", late=40)
    assert standing(poll) == {"Tomorrow": ["77"]}


def test_a_vote_that_is_taken_back_is_gone_and_an_older_one_does_not_bring_it_back(poll):
    vote(poll, PEER, "Today", late=60)
    vote(poll, PEER, late=20)
    vote(poll, PEER, "Later", late=40)
    assert (standing(poll), polls.results_of(poll).voters) == ({}, 0)
    assert [data["options"] for data in told()] == [["Today"], []]


def test_somebody_who_is_known_by_number_first_and_by_lid_later_votes_once(poll):
    vote(poll, Author(from_me=False, phone="7916"), "Today", late=9)
    vote(poll, Author(from_me=False, phone="7916", lid="88"), "Later")
    vote(poll, Author(from_me=False), "Tomorrow")
    assert sorted(standing(poll)) == ["Later", "Tomorrow"]


def test_a_vote_is_told_with_who_chose_what_in_which_poll(poll):
    vote(poll, PEER, "Today")
    vote(poll, PEER, "Today")
    [data] = told()
    assert (data["messageId"], data["options"], data["fromMe"]) == (poll.id, ["Today"], False)
    assert (data["from"], data["fromLid"], data["pushName"]) == ("77@lid", "77", "Maria")


def test_a_vote_of_the_phones_history_is_told_to_nobody(poll):
    vote(poll, PEER, "Today", is_news=False)
    assert (standing(poll), told()) == ({"Today": ["77"]}, [])


def test_a_page_that_is_open_is_told_of_a_vote(poll):
    before = utcnow()
    vote(poll, PEER, "Today")
    assert [one.id for one in conversation.changed(poll.chat, since=before, limit=9).messages] == [
        poll.id
    ]


def test_the_votes_go_with_a_poll_that_is_deleted(poll):
    vote(poll, PEER, "Today")
    with transaction():
        amendments.remove(poll, PEER, utcnow(), is_news=False)
    vote(poll, ME, "Today")
    assert db.session.scalars(select(PollVote)).all() == []


def test_a_vote_of_ours_waits_like_a_message_and_counts_once_it_is_sent(chat, poll):
    ours = queue(poll, "Later", "Today")
    assert messaging.next_queued(chat.instance_id, chat.account_id) == ours
    assert [one.body for one in conversation.newest(chat, limit=9).messages] == [
        "When?",
        "Today, Later",
    ]
    assert (standing(poll), amending.choice_of_ours(poll)) == ({}, ["Today", "Later"])
    send(ours)
    assert standing(poll) == {"Today": ["me"], "Later": ["me"]}
    assert [one.body for one in conversation.newest(chat, limit=9).messages] == ["When?"]
    [data] = told()
    assert (data["options"], data["fromMe"]) == (["Today", "Later"], True)
    assert data["from"] == "79160000001@s.whatsapp.net"


def test_a_vote_of_ours_is_changed_and_taken_back(poll):
    send(queue(poll, "Today"))
    send(queue(poll, "Tomorrow"))
    assert (standing(poll), amending.choice_of_ours(poll)) == ({"Tomorrow": ["me"]}, ["Tomorrow"])
    send(queue(poll))
    assert (standing(poll), amending.choice_of_ours(poll)) == ({}, [])


def test_a_vote_of_ours_counts_also_after_one_of_a_phone_whose_clock_is_ahead(poll):
    vote(poll, ME, "Today", late=-300)
    send(queue(poll, "Later"))
    assert standing(poll) == {"Later": ["me"]}


def test_one_votes_in_a_poll_however_old_it_is(chat):
    poll = asked(chat, created_at=utcnow() - timedelta(days=30))
    assert not amending.is_too_late(queue(poll, "Later"))


@pytest.mark.parametrize(
    ("options", "code"),
    [(["Never"], "unknown_option"), (["Today", "today"], "unknown_option")],
)
def test_what_was_not_asked_cannot_be_chosen(poll, options, code):
    with pytest.raises(Invalid) as wrong, transaction():
        amending.vote(poll, options, source="ui")
    assert (wrong.value.field, wrong.value.code) == ("options", code)


def test_no_more_can_be_chosen_than_the_poll_lets(chat):
    poll = asked(chat, choices=2)
    with pytest.raises(Invalid) as wrong, transaction():
        amending.vote(poll, OPTIONS, source="ui")
    assert wrong.value.code == "too_many_options"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"kind": "text", "details": None}, "not_a_poll"),
        ({"secret": None}, "poll_without_key"),
        ({"sender_lid": None}, "poll_without_key"),
        ({"wa_id": None}, "not_sent_yet"),
        ({"deleted_at": utcnow()}, "deleted"),
    ],
)
def test_where_one_cannot_vote_the_reason_is_told(chat, values, code):
    message = asked(chat, **values)
    with pytest.raises(Conflict) as refused, transaction():
        amending.vote(message, ["Today"], source="ui")
    assert refused.value.code == code
