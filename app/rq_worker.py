"""What all of the product's RQ workers have in common."""

from __future__ import annotations

from types import FrameType

from flask import Flask
from redis.client import Pipeline
from rq import Queue
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.worker import BaseWorker, WorkerStatus

QUIET = "WARNING"
"""The level for RQ's own log: at INFO it tells the story of every job."""
_REDIS_PAUSE = 5.0  # seconds, the longest between two looks for a Redis that went away
_LOOK_SECONDS = 2  # the longest wait for a job before the worker looks whether it is to end


class InApplication(BaseWorker):
    """A worker whose jobs find the application's database and settings, and that surely ends."""

    max_connection_wait_time = _REDIS_PAUSE
    dequeue_timeout = _LOOK_SECONDS
    log_job_description = False  # ids are enough in a log
    app: Flask
    told_to_end = False

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Whether `job` went well."""
        with self.app.app_context():
            return super().perform_job(job, queue, execution)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Between two jobs this is where the worker ends. RQ tells it to by raising from the
        signal's handler, which is lost when it falls into somebody's `except Exception`, and by a
        flag, which it may have looked at just before."""
        if self.told_to_end and self.get_state() != WorkerStatus.BUSY:
            raise StopRequested
        super().heartbeat(timeout, pipeline)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """The process is asked to end."""
        self.told_to_end = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]
