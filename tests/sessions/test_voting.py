"""Votes as WhatsApp brings them, in polls that are stored."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest
from flask.ctx import AppContext

from app.clock import utcnow
from app.core.details import Poll, as_data
from app.engine.address import Address
from app.engine.events import (
    Amendment,
    Change,
    Detailed,
    HistoryChat,
    HistoryReceived,
    MessageReceived,
    OpenVote,
    SealedVote,
)
from app.engine.poll_votes import Asked, chosen_in, seal
from app.extensions import db
from app.models import LinkedAccount, Message, User
from app.models.message import OUTGOING
from app.services import amending
from app.sessions import voting
from app.sessions.recording import Recorder
from app.transaction import transaction
from tests import factories

OPTIONS = ("Today", "Tomorrow", "Later")
SECRET = bytes(range(32))
PEER = Address.of("77@lid", "15552000001@s.whatsapp.net")
OTHER = Address.of("78@lid")
GROUP = Address(other="120363@g.us")
US = "100000000001@lid"


@pytest.fixture
def account(app_context: AppContext, bob: User) -> LinkedAccount:
    instance = factories.instance(bob)
    return factories.linked_account(instance, phone="79160000001", lid="100000000001")


def message(wa_id: str, content: object, **values: object) -> MessageReceived:
    fields = {"chat": PEER, "sender": PEER, "from_me": False, "is_group": False}
    fields |= {"timestamp": utcnow(), "push_name": "Anna", "content": content}
    return MessageReceived(id=wa_id, **(fields | values))  # type: ignore[arg-type]


def poll_of(choices: int = 0, **values: object) -> MessageReceived:
    poll = Detailed("poll", Poll("When?", OPTIONS, choices))
    return message("P1", poll, **{"secret": SECRET, **values})


def vote_of(creator: str, voter: str, *chosen: str, ahead: float = 0) -> Amendment:
    at = utcnow() + timedelta(seconds=ahead)
    vote = seal(Asked("P1", [creator], SECRET, OPTIONS), voter, chosen, at)
    return Amendment(Change.VOTE, "P1", vote=vote)


def recorded(account: LinkedAccount, *events: object) -> dict[str, list[str]]:
    """What stands in the database after these: who has chosen what."""
    early: list[str] = []
    with transaction() as session:
        recorder = Recorder(account, lambda *_: None, lambda _, target: early.append(target))
        for event in events:
            recorder.record(event)
        session.flush()
        rows = session.query(Message).all()
    assert [row.kind for row in rows] in (["poll"], []), "a vote is no bubble"
    return {one.author: one.chosen for row in rows for one in row.poll_votes}


@pytest.mark.parametrize("creator", ["77@lid", "15552000001@s.whatsapp.net"])
@pytest.mark.parametrize("voter", ["77@lid", "15552000001@s.whatsapp.net"])
def test_a_vote_of_who_asked_is_written_down(account, creator, voter):
    vote = message("V1", vote_of(creator, voter, "Today"))
    assert recorded(account, poll_of(), vote) == {"77": ["Today"]}


def test_in_a_group_everybody_votes_in_the_poll_of_one(account):
    group = {"chat": GROUP, "is_group": True}
    assert recorded(
        account,
        poll_of(**group),
        message("V1", vote_of("77@lid", "77@lid", "Today"), **group),
        message("V2", vote_of("77@lid", "78@lid", "Later"), **group | {"sender": OTHER}),
    ) == {"77": ["Today"], "78": ["Later"]}


def test_a_vote_from_our_own_phone_is_ours(account):
    mine = {"from_me": True, "sender": Address.of(US)}
    vote = message("V1", vote_of(US, US, "Later"), **mine)
    assert recorded(account, poll_of(**mine), vote) == {"me": ["Later"]}


def test_the_history_brings_polls_with_their_votes(account):
    mine = {"from_me": True, "sender": Address()}
    votes = (
        message("V2", vote_of(US, "77@lid", "Today")),
        message("V1", vote_of(US, US, "Later"), **mine),
    )
    history = HistoryChat(PEER, "Peer", 0, (*votes, poll_of(**mine)))
    assert recorded(account, HistoryReceived((history,))) == {"me": ["Later"], "77": ["Today"]}


def test_votes_that_the_history_tells_beside_a_poll_are_kept(account):
    def told(voter: Address, *chosen: str, from_me: bool = False) -> OpenVote:
        hashes = tuple(sha256(option.encode()).digest() for option in chosen)
        return OpenVote(voter, from_me, hashes, utcnow())

    votes = (told(PEER, "Today", "Later"), told(Address(), "Later", from_me=True))
    history = HistoryReceived((HistoryChat(PEER, "Peer", 0, (poll_of(votes=votes),)),))
    expected = {"77": ["Today", "Later"], "me": ["Later"]}
    assert recorded(account, history, history) == expected


@pytest.mark.parametrize(
    "said",
    [
        vote_of("77@lid", "78@lid", "Today"),  # somebody else's
        Amendment(Change.VOTE, "P1", vote=SealedVote(b"", b"", None)),
        vote_of("77@lid", "77@lid", "Today", "Later"),  # more than may be chosen
        Amendment(Change.VOTE, "P2", vote=SealedVote(b"iv", b"x", None)),  # no such poll
    ],
)
def test_what_cannot_be_read_changes_nothing_and_is_no_message(account, said):
    assert recorded(account, poll_of(choices=1), message("V1", said)) == {}


def test_a_poll_without_its_secret_takes_no_votes(account):
    vote = message("V1", vote_of("77@lid", "77@lid", "Today"))
    assert recorded(account, poll_of(secret=None), vote) == {}


def test_a_clock_that_is_years_ahead_is_not_believed(account):
    assert recorded(
        account,
        poll_of(),
        message("V1", vote_of("77@lid", "77@lid", "Today", ahead=1e8)),
        message("V2", vote_of("77@lid", "77@lid", "Later", ahead=1)),
    ) == {"77": ["Later"]}


@pytest.mark.parametrize(
    ("values", "creator"),
    [
        ({"sender_lid": "77", "sender_phone": "1555"}, "77@lid"),
        ({"sender_phone": "1555"}, "1555@s.whatsapp.net"),
        ({"direction": OUTGOING, "status": "sent"}, US),
    ],
)
def test_we_vote_by_our_lid_in_the_poll_of_whoever_made_it(account, values, creator):
    chat = factories.chat(account, lid=None)
    details = as_data(Poll("When?", OPTIONS))
    fields = {"kind": "poll", "details": details, "secret": SECRET, "wa_id": "P1", **values}
    poll = factories.message(chat, **fields)
    with transaction():
        ours = amending.vote(poll, ["Today", "Later"], source="api")
        sealed = voting.sealed(ours, poll)
    asked = Asked("P1", [creator], SECRET, OPTIONS)
    assert chosen_in(sealed, asked, [US]) == ["Today", "Later"]
    with transaction():
        amending.done(db.session.get_one(Message, ours.id), utcnow())
    assert [one.voted_at for one in poll.poll_votes] == [sealed.at]
