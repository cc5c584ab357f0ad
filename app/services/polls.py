"""What became of a poll: who has chosen what."""

from __future__ import annotations

from dataclasses import dataclass

from app.models import Message, PollVote
from app.models.message import OUTGOING


@dataclass(frozen=True, slots=True)
class Option:
    """One answer, and who has chosen it, the earliest first."""

    text: str
    voters: list[PollVote]

    @property
    def is_ours(self) -> bool:
        """Whether the account itself has chosen it."""
        return any(vote.from_me for vote in self.voters)


@dataclass(frozen=True, slots=True)
class Results:
    """A poll as it stands: its answers in their order, and how many people have voted."""

    options: list[Option]
    voters: int


def results_of(poll: Message) -> Results:
    """How the votes in a poll stand."""
    votes = [vote for vote in poll.poll_votes if vote.chosen]
    options = [
        Option(text, [vote for vote in votes if text in vote.chosen]) for text in options_of(poll)
    ]
    return Results(options, len(votes))


def options_of(poll: Message) -> list[str]:
    """What can be chosen in a poll, each once; nothing in anything else."""
    asked = (poll.details or {}).get("poll")
    return list(dict.fromkeys(asked["options"])) if asked else []


def choices_of(poll: Message) -> int:
    """How many may be chosen at most."""
    asked = (poll.details or {}).get("poll") or {}
    return int(asked.get("choices") or len(asked.get("options", ())))


def is_countable(poll: Message) -> bool:
    """Whether the votes in it can be read here: its maker and its secret are known. Polls that
    earlier versions stored came without one, and so may those of the phone's history."""
    maker = poll.direction == OUTGOING or poll.sender_lid or poll.sender_phone
    return bool(options_of(poll) and maker and poll.secret)
