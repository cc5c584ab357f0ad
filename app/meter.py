"""Counts for the monitoring: sums in Redis, to which all processes add.

They are no record: what was added in the last second is lost with a Redis that crashes, and counts
begin anew when its data is gone, which Prometheus knows as a restart. Nothing is read here but by
app/metrics.py.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter

import structlog
from flask import Flask, current_app
from redis import Redis
from redis.exceptions import RedisError

from app import bell
from app.transaction import after_commit

log = structlog.get_logger(__name__)

KEY = "meter"
"""The hash with a field for each sum: its name and labels, as `field_of` writes them."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the ranges that durations are sorted into."""
BEYOND = "+Inf"
TOTAL = "sum"
"""The range that stands for the sum of all durations, in microseconds."""
_KEPT_SECONDS = 1.0
_EXTENSION = "meter"


def field_of(name: str, *labels: str) -> str:
    """The field of a sum."""
    return json.dumps([name, *labels], ensure_ascii=False, separators=(",", ":"))


def read() -> dict[tuple[str, ...], int]:
    """All sums by name and labels. Raises RedisError."""
    found = bell.redis().hgetall(KEY)
    return {tuple(json.loads(field)): int(value) for field, value in found.items()}


def count(name: str, *labels: str, by: int = 1) -> None:
    """Adds to a sum once the running transaction is committed."""
    sums = after_commit(_Sums(), key=KEY)
    sums[field_of(name, *labels)] += by


def took(name: str, seconds: float, *labels: str) -> None:
    """Adds a duration once the running transaction is committed."""
    after_commit(_Sums(), key=KEY).update(_ranges(name, seconds, labels))


def took_now(name: str, seconds: float, *labels: str) -> None:
    """The same of what has no transaction and happens very often: it is kept in this process, and
    handed to Redis with what happens a second later."""
    keeper: _Keeper = current_app.extensions[_EXTENSION]
    keeper.add(_ranges(name, seconds, labels))


def hand_over() -> None:
    """Hands to Redis at once what this process has kept."""
    keeper: _Keeper = current_app.extensions[_EXTENSION]
    keeper.hand_over()


def register(app: Flask) -> None:
    """Lets `app` keep what happens very often."""
    app.extensions[_EXTENSION] = _Keeper()


def _ranges(name: str, seconds: float, labels: tuple[str, ...]) -> dict[str, int]:
    """What a duration adds to: the range that it falls into, and the sum of all."""
    upper = next((str(end) for end in SECONDS if seconds <= end), BEYOND)
    return {
        field_of(name, *labels, upper): 1,
        field_of(name, *labels, TOTAL): round(seconds * 1_000_000),
    }


class _Sums(Counter[str]):
    """What a transaction adds, handed to Redis when it is called."""

    def __call__(self) -> None:
        _add(bell.redis(), self)


class _Keeper:
    """What this process adds, kept for a second. It has no thread: nothing would be left of one
    after gunicorn's fork."""

    def __init__(self) -> None:
        self._sums = Counter[str]()
        self._since = time.monotonic()
        self._lock = threading.Lock()

    def add(self, amounts: dict[str, int]) -> None:
        """Keeps `amounts`, or hands all over when the first were kept a second ago."""
        with self._lock:
            if not self._sums:
                self._since = time.monotonic()
            self._sums.update(amounts)
            is_old = time.monotonic() - self._since >= _KEPT_SECONDS
        if is_old:
            self.hand_over()

    def hand_over(self) -> None:
        """Adds to Redis what is kept; what it does not take stays for the next time."""
        with self._lock:
            sums, self._sums = self._sums, Counter[str]()
        if not _add(bell.redis(), sums):
            with self._lock:
                self._sums.update(sums)


def _add(redis: Redis, sums: Counter[str]) -> bool:
    """Whether Redis took it."""
    if not sums:
        return True
    try:
        pipeline = redis.pipeline(transaction=False)
        for field, amount in sums.items():
            pipeline.hincrby(KEY, field, amount)
        pipeline.execute()
    except RedisError as error:
        log.warning("meter.not_counted", error=str(error))
        return False
    return True
