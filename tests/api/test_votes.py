"""Polls by the API: how the votes stand, and voting."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.clock import utcnow
from app.core.details import Poll, as_data
from app.extensions import db
from app.models import Chat, Message
from app.services import amendments
from app.services.amendments import Author
from app.transaction import transaction
from tests import factories
from tests.queries import selects


@pytest.fixture
def poll(app, linked) -> Message:
    with app.app_context():
        chat = factories.chat(linked.account, phone="79161234567")
        details = as_data(Poll("When?", ("Today", "Tomorrow"), 1))
        fields = {"kind": "poll", "body": "When?", "details": details, "secret": bytes(32)}
        return factories.message(chat, sender_lid="77", **fields)


def path_of(poll: Message, rest: str = "") -> str:
    return f"/api/instances/{poll.instance_id}/messages/{poll.id}{rest}"


def vote(app, poll: Message, author: Author, *chosen: str) -> None:
    with app.app_context(), transaction() as session:
        message = session.get_one(Message, poll.id)
        amendments.vote(message, author, chosen, utcnow(), is_news=False)


def test_a_poll_is_told_with_its_votes(app, api, poll):
    vote(app, poll, Author(from_me=False, lid="77", phone="79161234567", name="Anna"), "Tomorrow")
    vote(app, poll, Author(from_me=False, lid="78"))
    told = api.get(path_of(poll)).json["poll"]
    [voter] = told["results"][1].pop("voters")
    assert told == {
        "question": "When?",
        "options": ["Today", "Tomorrow"],
        "choices": 1,
        "voters": 1,
        "results": [
            {"option": "Today", "votes": 0, "voters": []},
            {"option": "Tomorrow", "votes": 1},
        ],
    }
    at = voter.pop("at")
    assert voter == {"from": "79161234567@s.whatsapp.net", "fromMe": False, "name": "Anna"}
    assert at.endswith("Z")


def test_a_vote_is_queued_and_the_poll_waits_for_it_to_be_sent(app, api, poll):
    answer = api.post(path_of(poll, "/vote"), {"options": ["Today"]})
    assert answer.status_code == 202
    message = answer.json["message"]
    assert (message["type"], message["body"], message["status"]) == ("vote", "Today", "queued")
    assert (message["poll"], message["source"]) == (None, "api")
    assert api.get(path_of(poll)).json["poll"]["voters"] == 0
    with app.app_context():
        row = db.session.scalars(select(Message).where(Message.kind == "vote")).one()
        assert (row.target_id, row.details) == (poll.id, {"vote": {"options": ["Today"]}})


def test_no_option_takes_the_vote_back(api, poll):
    answer = api.post(path_of(poll, "/vote"), {"options": []})
    assert (answer.status_code, answer.json["message"]["body"]) == (202, "")


@pytest.mark.parametrize(
    ("options", "code"),
    [(["Never"], "unknown_option"), (["Today", "Tomorrow"], "too_many_options")],
)
def test_a_vote_for_what_cannot_be_chosen_is_refused(api, poll, options, code):
    answer = api.post(path_of(poll, "/vote"), {"options": options})
    assert (answer.status_code, answer.json["field"]) == (422, "options")
    assert answer.json["errors"][0]["code"] == code


def test_a_vote_in_what_is_no_poll_is_refused(app, api, linked):
    with app.app_context():
        text = factories.message(factories.chat(linked.account))
    answer = api.post(path_of(text, "/vote"), {"options": ["Today"]})
    assert (answer.status_code, answer.json["code"]) == (409, "not_a_poll")


def test_polls_that_wait_are_listed_in_as_many_queries_however_many(app, api, linked, poll):
    with app.app_context():
        values = {"direction": "out", "status": "queued", "source": "api", "wa_id": None}
        for _ in range(3):
            details = dict(poll.details or {})
            chat = db.session.get_one(Chat, poll.chat_id)
            factories.message(chat, kind="poll", details=details, **values)
    counts = []
    for limit in (1, 3):
        with app.app_context(), selects() as statements:
            answer = api.get(f"/api/instances/{linked.id}/queue?limit={limit}")
        assert len(answer.json["items"]) == limit
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_the_votes_of_a_poll_take_one_query_however_many_there_are(app, api, poll):
    counts = []
    for count in (1, 20):
        for number in range(count):
            vote(app, poll, Author(from_me=False, lid=f"{count}{number}"), "Today")
        with app.app_context(), selects() as statements:
            api.get(path_of(poll))
        counts.append(len(statements))
    assert counts[0] == counts[1]
