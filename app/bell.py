"""Redis as the bell: wake-ups, change counters and queued jobs. Never the place of a truth.

Every call here is made after the commit that made it true, and a Redis that does not answer is
logged and forgotten: the sweeps find what was not rung.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from functools import partial

import structlog
from flask import current_app
from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from app.transaction import after_commit

log = structlog.get_logger(__name__)

WAKE_CHANNEL = "wake"
"""Published with an instance's id when its queue has something new."""
HINT_CHANNEL = "hint"
"""Published with what a session is to do now or never: see `hint`."""
LISTEN_SECONDS = 1.0
"""How long a listener may take to notice that it is to stop, or that Redis is back."""

_WAITING_SECONDS = 10
"""A job that got lost on its way blocks its like for no longer than this."""


def connect(url: str) -> Redis:
    """A client for `url`; connects at first use, gives up on a silent server after 5 s."""
    return Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=30)


def redis() -> Redis:
    """The application's Redis client."""
    client: Redis = current_app.extensions["redis"]
    return client


def queue(name: str) -> Queue:
    """The RQ queue `name`. Jobs carry ids and are written as JSON, never pickled."""
    return Queue(name, connection=redis(), serializer=JSONSerializer)


def enqueue(queue_name: str, function: str, *ids: str, timeout: int = 180) -> None:
    """Queues `function` (a dotted path) with `ids` once the running transaction is committed.

    `timeout` in seconds ends a job that hangs; -1 lets it run for as long as it wants.
    """

    def send() -> None:
        try:
            queue(queue_name).enqueue(
                function, *ids, job_timeout=timeout, result_ttl=0, failure_ttl=86_400
            )
        except RedisError as error:
            log.warning("job.not_queued", function=function, ids=ids, error=str(error))

    after_commit(send, key=(function, ids))


def enqueue_once(queue_name: str, function: str, name: str) -> None:
    """Like enqueue, but not while the same call waits in the queue already: a burst of commits
    makes one job. The job says started() before it looks for its work."""

    def send() -> None:
        try:
            if redis().set(_waiting_key(function, name), 1, nx=True, ex=_WAITING_SECONDS):
                queue(queue_name).enqueue(function, name, result_ttl=0, failure_ttl=86_400)
        except RedisError as error:
            log.warning("job.not_queued", function=function, ids=(name,), error=str(error))

    after_commit(send, key=(function, name))


def started(function: str, name: str) -> None:
    """Lets enqueue_once queue the same call again: this one is no longer waiting."""
    try:
        redis().delete(_waiting_key(function, name))
    except RedisError as error:
        log.warning("bell.silent", function=function, error=str(error))


def wake(instance_id: str) -> None:
    """Tells whichever host holds the session that its queue has something new."""
    after_commit(lambda: _publish(WAKE_CHANNEL, instance_id), key=(WAKE_CHANNEL, instance_id))


def hint(instance_id: str, what: str, address: str) -> None:
    """Tells whichever host holds the session what is worth nothing a moment later, at once. Nobody
    finds one that is lost."""
    _publish(HINT_CHANNEL, f"{instance_id} {what} {address}")


def listen(
    heard: Callable[[str | None], None],
    hinted: Callable[[str, str, str], None],
    stopping: threading.Event,
) -> None:
    """Calls `heard` with the instance id of every `wake`, and `hinted` with what every `hint` was
    given, until `stopping` is set.

    Calls it with None whenever the line to Redis is new: what rang before was missed. Without
    Redis it waits for one.
    """
    while not stopping.is_set():
        try:
            with _subscription() as channel:
                channel.subscribe(WAKE_CHANNEL, HINT_CHANNEL)
                heard(None)
                while not stopping.is_set():
                    message = channel.get_message(timeout=LISTEN_SECONDS)
                    if message is None:
                        continue
                    text = message["data"].decode()
                    if message["channel"].decode() == WAKE_CHANNEL:
                        heard(text)
                    else:
                        hinted(*text.split(" ", 2))
        except RedisError as error:
            log.warning("bell.silent", channel=WAKE_CHANNEL, error=str(error))
            stopping.wait(LISTEN_SECONDS)


def changed(*topics: str) -> None:
    """Moves the change counters of `topics` once the running transaction is committed."""
    for topic in topics:
        after_commit(partial(_bump, topic), key=("changed", topic))


def version(topic: str) -> str | None:
    """The counter of `topic`, to compare with the one a poll brings; None when Redis is away.

    A counter starts at a random number, so one that was lost never looks unchanged.
    """
    try:
        client = redis()
        value = client.get(_key(topic))
        if value is None:
            client.set(_key(topic), _epoch(), nx=True)
            value = client.get(_key(topic))
        return str(int(value)) if value is not None else None
    except RedisError:
        return None


def remember(key: str, value: str | None, *, seconds: int) -> None:
    """Keeps what is no record for a while; None forgets it."""
    try:
        if value is None:
            redis().delete(key)
        else:
            redis().set(key, value, ex=seconds)
    except RedisError as error:
        log.warning("bell.silent", key=key, error=str(error))


def remembered(key: str) -> str | None:
    """What is kept; None where nothing is, or when Redis is away."""
    try:
        value = redis().get(key)
    except RedisError:
        return None
    return value.decode() if isinstance(value, bytes) else None


def once_in(seconds: int, key: str) -> bool:
    """Whether nobody asked this of `key` within the last `seconds`; True when Redis is away."""
    try:
        return bool(redis().set(f"once:{key}", 1, nx=True, ex=seconds))
    except RedisError:
        return True


def _bump(topic: str) -> None:
    try:
        pipeline = redis().pipeline()
        pipeline.set(_key(topic), _epoch(), nx=True)
        pipeline.incr(_key(topic))
        pipeline.execute()
    except RedisError as error:
        log.warning("bell.silent", topic=topic, error=str(error))


def _publish(channel: str, message: str) -> None:
    try:
        redis().publish(channel, message)
    except RedisError as error:
        log.warning("bell.silent", channel=channel, error=str(error))


def _waiting_key(function: str, name: str) -> str:
    return f"waiting:{function}:{name}"


def _subscription() -> PubSub:
    channel: PubSub = redis().pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    return channel


def _key(topic: str) -> str:
    return f"version:{topic}"


def _epoch() -> int:
    return secrets.randbits(48)
