"""Brings calls to the API from Redis into the statistics."""

from __future__ import annotations

import structlog
from redis.exceptions import RedisError

from app.services import api_calls
from app.transaction import again_when_beaten, transaction

log = structlog.get_logger(__name__)


def flush_calls() -> None:
    """Counts what was called since the last time. Run by the clock."""
    try:
        batch = api_calls.take()
        if batch is not None:
            _count(batch)
            api_calls.forget(batch)
    except RedisError as error:
        log.warning("bell.silent", key=api_calls.CALLS, error=str(error))


@again_when_beaten
def _count(batch: api_calls.Batch) -> None:
    with transaction():
        api_calls.count_batch(batch)
