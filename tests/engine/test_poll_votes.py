"""Votes sealed and read by us, and by the test network's own code."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.engine.events import SealedVote
from app.engine.poll_votes import Asked, VoteUnreadable, chosen_in, seal
from app.sandbox import polls
from app.sandbox.amendments import Target
from app.sandbox.protos import E2EMessage
from app.sandbox.wire.jid import JID

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OPTIONS = ("Today", " Завтра ", "later")
CREATOR, CREATOR_PHONE = "111@lid", "15550001000@s.whatsapp.net"
VOTER, VOTER_PHONE = "222@lid", "15550002000@s.whatsapp.net"
SECRET = bytes(range(32))
POLL = polls.Poll("3EB0P", JID.parse(CREATOR), SECRET, OPTIONS)


def asked(*creators: str, secret: bytes = SECRET) -> Asked:
    return Asked("3EB0P", creators or [CREATOR], secret, OPTIONS)


def from_the_phone(*chosen: str, poll: polls.Poll = POLL, voter: str = VOTER) -> SealedVote:
    """A vote as a phone of the test network makes it."""
    target = Target(JID.parse(CREATOR), poll.id, from_me=False)
    message = E2EMessage.FromString(polls.vote(target, poll, JID.parse(voter), chosen))
    vote = message.pollUpdateMessage.vote
    return SealedVote(vote.encIV, vote.encPayload, NOW)


@pytest.mark.parametrize("chosen", [["Today"], [" Завтра ", "later"], []])
def test_a_vote_of_a_phone_is_read(chosen: list[str]):
    assert chosen_in(from_the_phone(*chosen), asked(), [VOTER]) == chosen


@pytest.mark.parametrize("chosen", [["Today"], [" Завтра ", "later"], []])
def test_a_phone_reads_a_vote_of_ours(chosen: list[str]):
    sealed = seal(asked(), VOTER, chosen, NOW)
    update = E2EMessage().pollUpdateMessage
    update.vote.encIV, update.vote.encPayload = sealed.iv, sealed.payload
    assert polls.chosen_in(update, POLL, JID.parse(VOTER)) == chosen


@pytest.mark.parametrize("creator", [CREATOR, CREATOR_PHONE])
@pytest.mark.parametrize("voter", [VOTER, VOTER_PHONE])
def test_people_are_known_by_lid_or_by_number(creator: str, voter: str):
    poll = polls.Poll("3EB0P", JID.parse(creator), SECRET, OPTIONS)
    vote = from_the_phone("Today", poll=poll, voter=voter)
    known = asked(CREATOR, CREATOR_PHONE)
    assert chosen_in(vote, known, [VOTER, VOTER_PHONE]) == ["Today"]


def test_the_options_are_told_in_the_order_of_the_poll():
    assert chosen_in(from_the_phone("later", "Today"), asked(), [VOTER]) == ["Today", "later"]


def test_an_option_that_the_poll_does_not_have_is_none():
    poll = polls.Poll("3EB0P", JID.parse(CREATOR), SECRET, ("never", *OPTIONS))
    assert chosen_in(from_the_phone("never", poll=poll), asked(), [VOTER]) == []


@pytest.mark.parametrize(
    ("poll", "voter"),
    [(asked(secret=bytes(32)), VOTER), (asked("333@lid"), VOTER), (asked(), "333@lid")],
)
def test_a_vote_with_another_key_or_of_somebody_else_is_not_read(poll: Asked, voter: str):
    with pytest.raises(VoteUnreadable):
        chosen_in(from_the_phone("Today"), poll, [voter])


@pytest.mark.parametrize(("iv", "payload"), [(b"", b"x" * 40), (b"i" * 12, b""), (b"i", b"x" * 40)])
def test_what_is_no_vote_at_all_is_not_read(iv: bytes, payload: bytes):
    with pytest.raises(VoteUnreadable):
        chosen_in(SealedVote(iv, payload, None), asked(), [VOTER])
