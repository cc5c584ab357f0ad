"""What statistics count, and the stretches of time that it is counted by."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Grain(StrEnum):
    """How long the time of one row is: an hour, a day or a month of UTC."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


SENT, RECEIVED, MEDIA_SENT, MEDIA_RECEIVED = "sent", "received", "media_sent", "media_received"
DELIVERED, READ, FAILED = "delivered", "read", "failed"
"""Of the messages of an hour, how many have come so far, or have failed, whenever that was."""
API_CALLS = "api_calls"
WEBHOOK_CALLS, WEBHOOK_DELIVERED, WEBHOOK_MS = "webhook_calls", "webhook_delivered", "webhook_ms"
OF_MESSAGES = (SENT, RECEIVED, MEDIA_SENT, MEDIA_RECEIVED, DELIVERED, READ, FAILED)
OF_WEBHOOKS = (WEBHOOK_CALLS, WEBHOOK_DELIVERED, WEBHOOK_MS)
TOTALS = (*OF_MESSAGES, API_CALLS, *OF_WEBHOOKS)

REPLY_BOUNDS = (
    *(5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 450, 600, 900),
    *(1800, 3600, 7200, 14_400, 28_800, 86_400, 259_200),
)
"""Seconds: a reply that took at most so long belongs into the first bucket that it fits."""
REPLIES = tuple(f"replies_{number}" for number in range(len(REPLY_BOUNDS) + 1))
COUNTERS = (*TOTALS, *REPLIES)


def floor_of(at: datetime, grain: Grain) -> datetime:
    """When the hour, day or month (of UTC) began that `at` is in."""
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if grain is Grain.HOUR:
        return hour
    return hour.replace(hour=0) if grain is Grain.DAY else hour.replace(hour=0, day=1)


def after(start: datetime, grain: Grain) -> datetime:
    """When the next one begins after the one that began at `start`."""
    if grain is Grain.MONTH:
        return (start + timedelta(days=31)).replace(day=1)
    return start + (timedelta(hours=1) if grain is Grain.HOUR else timedelta(days=1))


def runs_of(start: datetime, end: datetime) -> Iterator[tuple[Grain, datetime, datetime]]:
    """The rows that make up the time from `start` to `end`, which are full hours, as few as can be:
    whole months in the middle, then days, hours at the edges. Each run is of one grain, from its
    first row to where the next run begins."""
    at, begun, grain = start, start, _largest(start, end)
    while at < end:
        if _largest(at, end) is not grain:
            yield grain, begun, at
            begun, grain = at, _largest(at, end)
        at = after(at, grain)
    if begun < end:
        yield grain, begun, end


def _largest(start: datetime, end: datetime) -> Grain:
    for grain in (Grain.MONTH, Grain.DAY):
        if floor_of(start, grain) == start and after(start, grain) <= end:
            return grain
    return Grain.HOUR


def reply_counter(seconds: float) -> str:
    """The counter that a reply after so many seconds belongs to."""
    return REPLIES[bisect_left(REPLY_BOUNDS, seconds)]


def median_reply(counts: Sequence[int]) -> int | None:
    """About how many seconds half of the replies took at most, by how many are in each bucket:
    within the one it falls in, they are taken to be spread evenly. None without a reply."""
    if not (half := sum(counts) / 2):
        return None
    bounds = (0, *REPLY_BOUNDS, REPLY_BOUNDS[-1])
    passed = 0
    for number, count in enumerate(counts):
        if passed + count >= half:
            low, high = bounds[number], bounds[number + 1]
            return round(low + (high - low) * (half - passed) / count)
        passed += count
    return None
