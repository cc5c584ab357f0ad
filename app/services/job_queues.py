"""The queues of RQ, as they stand in Redis."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from rq.registry import FailedJobRegistry
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from app import bell

NAMES = ("pairing", "webhooks", "media", "imports", "default")
"""A test compares them with those that the roles of worker.py work on."""
SESSIONS = "sessions"
"""Stands for the queues of all hosts together: each has one of its own."""


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """A queue: jobs that wait, jobs that failed within a day, and the processes that work on it."""

    name: str
    waiting: int
    failed: int
    workers: int


def all_of(host_ids: Iterable[str]) -> list[QueueFacts]:
    """Every queue, in one question to Redis. Raises RedisError."""
    names = [*NAMES, *(f"{SESSIONS}:{host_id}" for host_id in host_ids)]
    pipeline = bell.redis().pipeline(transaction=False)
    now = time.time()
    for name in names:
        queue = bell.queue(name)
        pipeline.llen(queue.key)
        pipeline.zcount(FailedJobRegistry(queue=queue).key, now, "+inf")
        pipeline.scard(WORKERS_BY_QUEUE_KEY % name)
    answers = iter(pipeline.execute())
    facts = [QueueFacts(name, *(next(answers) for _ in range(3))) for name in names]
    return [*facts[: len(NAMES)], _together(facts[len(NAMES) :])]


def _together(facts: list[QueueFacts]) -> QueueFacts:
    return QueueFacts(
        SESSIONS,
        sum(one.waiting for one in facts),
        sum(one.failed for one in facts),
        sum(one.workers for one in facts),
    )


def server_version() -> str:
    """Of Redis, or of what stands in its place. Raises RedisError."""
    told = bell.redis().info("server")
    return str(told.get("valkey_version") or told["redis_version"])
