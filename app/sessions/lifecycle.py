"""The host's main thread: an RQ worker that runs jobs without forking."""

from __future__ import annotations

import threading
from types import FrameType

import structlog
from flask import Flask
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from app import bell
from app.config import settings_of

log = structlog.get_logger(__name__)

_QUIET = "WARNING"  # RQ tells the story of every job at INFO
_REDIS_PAUSE = 5.0  # seconds, the longest between two looks for a Redis that went away
_NO_REDIS_SECONDS = 2.0
_LOOK_SECONDS = 2  # the longest wait for a job before the worker looks whether it is to end


class LifecycleWorker(SimpleWorker):
    """Takes the jobs of one host until SIGTERM, which it passes on as `stopping`."""

    max_connection_wait_time = _REDIS_PAUSE
    dequeue_timeout = _LOOK_SECONDS
    log_job_description = False  # ids are enough in a log
    app: Flask
    stopping: threading.Event

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Whether `job` went well; it finds the application's database and settings."""
        with self.app.app_context():
            return super().perform_job(job, queue, execution)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Between two jobs this is where the worker ends. RQ tells it to by raising from the
        signal's handler, which is lost when it falls into somebody's `except Exception`, and by a
        flag, which it may have looked at just before."""
        if self.stopping.is_set() and self.get_state() != WorkerStatus.BUSY:
            raise StopRequested
        super().heartbeat(timeout, pipeline)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """The process is asked to end."""
        self.stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


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
    worker.work(logging_level=_QUIET)
