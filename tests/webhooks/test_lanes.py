"""Lanes: side by side, and each name by one thread at a time."""

from __future__ import annotations

import threading

import pytest

from app.jobs.lanes import Lanes
from tests.waiting import wait_for


def test_lanes_run_names_side_by_side():
    together = threading.Barrier(4, timeout=5)

    def drain(_: str) -> bool:
        together.wait()
        return False

    lanes = Lanes(drain, width=3)
    for name in "abc":
        lanes.ring(name)
    together.wait()  # reached by all three at once, or broken
    lanes.stop()


def test_a_name_has_one_thread_at_a_time_and_another_turn_when_rung_meanwhile():
    running, entered, go_on = [], threading.Semaphore(0), threading.Event()

    def drain(name: str) -> bool:
        running.append(name)
        entered.release()
        go_on.wait(5)
        return False

    lanes = Lanes(drain, width=4)
    lanes.ring("a")
    entered.acquire(timeout=5)
    lanes.ring("a")
    lanes.ring("a")
    assert running == ["a"]
    go_on.set()
    entered.acquire(timeout=5)
    lanes.stop()
    assert running == ["a", "a"]


def test_a_name_with_more_to_do_waits_behind_the_others():
    turns = []
    first_may_end = threading.Event()

    def drain(name: str) -> bool:
        turns.append(name)
        if turns == ["full"]:
            first_may_end.wait(5)
            return True
        return False

    lanes = Lanes(drain, width=1)
    lanes.ring("full")
    wait_for(lambda: turns)
    lanes.ring("other")
    first_may_end.set()
    wait_for(lambda: len(turns) == 3)
    lanes.stop()
    assert turns == ["full", "other", "full"]


def test_a_failed_drain_can_be_rung_again():
    turns = []

    def drain(name: str) -> bool:
        turns.append(name)
        if len(turns) == 1:
            raise OSError("disk full")
        return False

    lanes = Lanes(drain, width=1)
    lanes.ring("a")
    wait_for(lambda: turns and not lanes._rung_again)
    lanes.ring("a")
    wait_for(lambda: turns == ["a", "a"])
    lanes.stop()


@pytest.mark.parametrize("names", ["", "ab"])
def test_stopped_lanes_start_nothing(names):
    turns = []
    lanes = Lanes(lambda name: bool(turns.append(name)), width=1)
    lanes.stop()
    for name in names:
        lanes.ring(name)
    assert turns == []
