"""Calls to the API: counted in this process, handed to Redis every second, and counted from there
into the statistics. So a request pays nothing for it, and a process that is killed loses a second.

A batch that is taken out of Redis has an id, which is written down in the transaction that counts
it. So a clock that is killed between that and forgetting the batch counts nothing twice, and one
that is killed before loses nothing. With Redis's own data, what was not taken yet is lost.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import structlog
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import delete, select

from app import bell
from app.clock import utcnow
from app.core.ids import is_id, new_id
from app.core.usage import API_CALLS, Grain, floor_of
from app.extensions import db
from app.models import CountedBatch, FormerInstance, Instance, User
from app.models.usage import NO_INSTANCE
from app.services.counting import Counted, count

log = structlog.get_logger(__name__)

CALLS, TAKEN = "api_calls", "api_calls:taken"
_ID = "batch"
_FORGET = """
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then return redis.call('DEL', KEYS[1]) end
"""
_KEPT_SECONDS = 1.0
_REMEMBERED = timedelta(days=1)
"""A batch that was counted is gone from Redis seconds later."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls out of Redis: how many of whom, of which instance, in which hour."""

    id: str
    calls: dict[tuple[str, str, datetime], int]


class _Kept:
    """Calls of the last second. A hand-over whose answer did not come is not tried again: it may
    have been counted."""

    def __init__(self) -> None:
        self._calls = Counter[str]()
        self._lock = threading.Lock()

    def add(self, field: str) -> None:
        """Keeps a call; the first one since the last hand-over sees to the next."""
        with self._lock:
            self._calls[field] += 1
            is_first = self._calls.total() == 1
        if is_first:  # at its end the process waits for this thread, so that nothing is left
            threading.Timer(_KEPT_SECONDS, self.hand_over, [bell.redis()]).start()

    def hand_over(self, redis: Redis) -> None:
        """Adds what is kept to what Redis has. Without Redis it is lost."""
        with self._lock:
            calls, self._calls = self._calls, Counter[str]()
        pipeline = redis.pipeline(transaction=False)
        for field, number in calls.items():
            pipeline.hincrby(CALLS, field, number)
        try:
            pipeline.execute()
        except RedisError as error:
            log.warning("api_call.not_counted", calls=calls.total(), error=str(error))


_kept = _Kept()


def note(owner_id: str, instance_id: str | None) -> None:
    """Counts a call by a person."""
    named = instance_id if instance_id and is_id("ins", instance_id) else NO_INSTANCE
    hour = int(floor_of(utcnow(), Grain.HOUR).timestamp())
    _kept.add(f"{owner_id} {named} {hour}")


def hand_over() -> None:
    """Hands to Redis at once what this process has kept."""
    _kept.hand_over(bell.redis())


def take() -> Batch | None:
    """The next batch: one that was taken before and never counted to the end, else what was counted
    since. None where there is none. Raises RedisError."""
    redis = bell.redis()
    if not redis.exists(TAKEN):
        if not redis.exists(CALLS):
            return None
        redis.renamenx(CALLS, TAKEN)
    redis.hsetnx(TAKEN, _ID, new_id("bat", utcnow()))
    taken = cast(dict[bytes, bytes], redis.hgetall(TAKEN))
    fields = {key.decode(): value.decode() for key, value in taken.items()}
    batch_id = fields.pop(_ID)
    return Batch(batch_id, {_subject(key): int(value) for key, value in fields.items()})


def count_batch(batch: Batch) -> None:
    """Counts it, unless that was done. A call about an instance that is not the caller's, or none,
    is one of the caller all the same."""
    now = utcnow()
    if db.session.get(CountedBatch, batch.id) is not None:
        return
    db.session.add(CountedBatch(id=batch.id, counted_at=now))
    db.session.execute(delete(CountedBatch).where(CountedBatch.counted_at < now - _REMEMBERED))
    db.session.flush()
    owned = _owned({instance_id for _, instance_id, _ in batch.calls})
    people = set(db.session.scalars(select(User.id).where(User.id.in_(_callers(batch)))))
    for (owner_id, instance_id, hour), number in batch.calls.items():
        mine = instance_id if (owner_id, instance_id) in owned else NO_INSTANCE
        if owner_id in people:
            count(Counted(API_CALLS, hour, mine, owner_id, number=number))


def forget(batch: Batch) -> None:
    """Lets go of a batch that was counted, unless somebody did and a newer one is in its place.
    Raises RedisError."""
    bell.redis().eval(_FORGET, 1, TAKEN, _ID, batch.id)


def _callers(batch: Batch) -> set[str]:
    return {owner_id for owner_id, _, _ in batch.calls}


def _owned(instance_ids: set[str]) -> set[tuple[str, str]]:
    """Whose these instances are or were."""
    found: set[tuple[str, str]] = set()
    for model in (Instance, FormerInstance):
        query = select(model.owner_id, model.id).where(model.id.in_(instance_ids))
        found |= {(row.owner_id, row.id) for row in db.session.execute(query)}
    return found


def _subject(key: str) -> tuple[str, str, datetime]:
    owner_id, instance_id, hour = key.split(" ")
    return owner_id, instance_id, datetime.fromtimestamp(int(hour), UTC)
