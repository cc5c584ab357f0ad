"""How long to wait before the next try."""

from __future__ import annotations

import random
from datetime import timedelta


def delay_before(attempt: int, *, first: timedelta, cap: timedelta) -> timedelta:
    """The pause after failed `attempt` (1 for the first): doubled each time, never over `cap`."""
    doublings = min(max(attempt - 1, 0), 32)
    seconds = first.total_seconds() * 2.0**doublings  # a timedelta would overflow
    return timedelta(seconds=min(seconds, cap.total_seconds()))


def with_jitter(delay: timedelta, *, spread: float = 0.2) -> timedelta:
    """`delay` moved at random by up to `spread` of itself, so that many do not retry at once."""
    factor = 1 + random.uniform(-spread, spread)  # noqa: S311 - not a secret
    return delay * factor
