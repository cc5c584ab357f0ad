"""The host's main thread: an RQ worker that runs jobs without forking."""

from __future__ import annotations

import threading
from types import FrameType

import structlog
from flask import Flask
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from app import bell
from app.config import settings_of
from app.rq_worker import QUIET, InApplication

log = structlog.get_logger(__name__)

_NO_REDIS_SECONDS = 2.0


class LifecycleWorker(InApplication, SimpleWorker):
    """Takes the jobs of one host until SIGTERM, which it passes on as `stopping`."""

    stopping: threading.Event

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """The process is asked to end."""
        self.stopping.set()
        super().request_stop(signum, frame)


def queue_of(host_id: str) -> str:
    """The RQ queue of a host."""
    return f"sessions:{host_id}"


def work(app: Flask, queue: str, stopping: threading.Event) -> None:
    """Takes jobs from `queue` until SIGTERM. Without Redis it waits: sessions live on."""
    while not stopping.is_set():
        try:
            _take_jobs(app, queue, stopping)
        except RedisError as error:
            log.warning("host.no_redis", error=str(error))
            stopping.wait(_NO_REDIS_SECONDS)
        except StopRequested:
            return


def _take_jobs(app: Flask, queue: str, stopping: threading.Event) -> None:
    connection = bell.connect(settings_of(app).redis_location)
    worker = LifecycleWorker([queue], connection=connection, serializer=JSONSerializer)
    worker.app, worker.stopping = app, stopping
    worker.work(logging_level=QUIET)
