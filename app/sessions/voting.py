"""Votes in polls between WhatsApp's form and ours: who may be meant by whom, with which key."""

from __future__ import annotations

from datetime import timedelta

import structlog

from app.clock import utcnow
from app.core.phones import lid_jid, phone_jid
from app.engine import poll_votes
from app.engine.events import MessageReceived, OpenVote, SealedVote
from app.engine.poll_votes import Asked, VoteUnreadable
from app.extensions import db
from app.models import LinkedAccount, Message
from app.models.chat import GROUP
from app.models.message import OUTGOING
from app.services import amending, amendments, polls
from app.services.amendments import Author

log = structlog.get_logger(__name__)

_AHEAD = timedelta(days=1)
"""A clock that is further ahead is not believed: no later vote would count for long."""


def record(
    event: MessageReceived, vote: SealedVote, poll: Message, author: Author, *, is_news: bool
) -> None:
    """Writes down a vote in a poll that is stored. One that cannot be read is logged and nothing
    more."""
    if not polls.is_countable(poll):
        log.warning("vote.without_key", message_id=poll.id, wa_id=event.id)
        return
    try:
        chosen = poll_votes.chosen_in(vote, _asked(poll), _voters(poll, author))
    except VoteUnreadable as error:
        log.warning("vote.unreadable", message_id=poll.id, wa_id=event.id, error=str(error))
        return
    if len(chosen) > polls.choices_of(poll):
        log.warning("vote.too_many", message_id=poll.id, wa_id=event.id)
        return
    at = vote.at if vote.at and vote.at < event.timestamp + _AHEAD else event.timestamp
    amendments.vote(poll, author, chosen, at, is_news=is_news)


def record_told(poll: Message, author: Author, vote: OpenVote) -> None:
    """Writes down a vote that the phone's history tells of a poll; it is no news."""
    chosen = poll_votes.options_with(vote.hashes, polls.options_of(poll))
    at = vote.at if vote.at and vote.at < utcnow() + _AHEAD else poll.shown_at
    amendments.vote(poll, author, chosen, at, is_news=False)


def sealed(amendment: Message, poll: Message) -> SealedVote:
    """Our vote as WhatsApp takes it, from now on: by the account's LID, as whatsmeow votes."""
    asked, at = _asked(poll), amending.begin_vote(amendment, poll)
    voter = _account_jids(poll)[0]
    return poll_votes.seal(asked, voter, (amendment.details or {})["vote"]["options"], at)


def _asked(poll: Message) -> Asked:
    secret = bytes(poll.secret or b"")
    return Asked(str(poll.wa_id), _creators(poll), secret, polls.options_of(poll))


def _creators(poll: Message) -> list[str]:
    if poll.direction == OUTGOING:
        return _account_jids(poll)
    chat = poll.chat
    if chat.kind == GROUP:
        return _jids(poll.sender_lid, poll.sender_phone)
    return _jids(poll.sender_lid or chat.lid, poll.sender_phone or chat.phone)


def _voters(poll: Message, author: Author) -> list[str]:
    if author.from_me:
        return _account_jids(poll)
    chat = poll.chat
    if chat.kind == GROUP:
        return _jids(author.lid, author.phone)
    return _jids(author.lid or chat.lid, author.phone or chat.phone)


def _account_jids(poll: Message) -> list[str]:
    account = db.session.get_one(LinkedAccount, poll.account_id)
    return _jids(account.lid, account.phone)


def _jids(lid: str | None, phone: str | None) -> list[str]:
    """By LID first: so WhatsApp names people since 2025."""
    return [*([lid_jid(lid)] if lid else []), *([phone_jid(phone)] if phone else [])]
