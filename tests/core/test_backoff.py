"""Pauses between tries."""

from datetime import timedelta

import pytest

from app.core.backoff import delay_before, with_jitter

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("attempt", "minutes"), [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (500, 10)]
)
def test_delay_doubles_up_to_the_cap(attempt, minutes):
    assert delay_before(attempt, first=MINUTE, cap=10 * MINUTE) == minutes * MINUTE


def test_delay_of_many_long_pauses_is_the_cap():
    day = timedelta(days=1)
    assert delay_before(100, first=day, cap=2 * day) == 2 * day


def test_jitter_moves_a_delay_both_ways_but_not_far():
    moved = {with_jitter(MINUTE, spread=0.2).total_seconds() for _ in range(200)}
    assert all(48 <= seconds <= 72 for seconds in moved)
    assert min(moved) < 60 < max(moved)
