"""Votes in polls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from app.engine.events import Amendment, Change, Content, SealedVote

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 2**42  # milliseconds, in the year 2109: anybody may claim anything


def moment_of(milliseconds: int) -> datetime | None:
    """Returns when a vote was given, None where that is not told or cannot be."""
    if not 0 < milliseconds < _LATEST:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _vote(value: Any) -> Content | None:
    if not value.vote.encPayload:
        return None
    at = moment_of(value.senderTimestampMS)
    vote = SealedVote(value.vote.encIV, value.vote.encPayload, at)
    return Amendment(Change.VOTE, value.pollCreationMessageKey.ID, vote=vote)


READERS: dict[str, Callable[[Any], Content | None]] = {"pollUpdateMessage": _vote}
