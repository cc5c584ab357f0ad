"""RQ workers as the product runs them: JSON jobs, an application context, no orphans."""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Sequence

from flask import Flask
from rq import Queue, SimpleWorker, Worker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from app import bell, create_app
from app.config import Settings

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_QUIET = "WARNING"  # RQ tells the story of every job at INFO


class _ProductWorker(BaseWorker):
    max_connection_wait_time = 5.0  # seconds between two looks for a Redis that went away
    app: Flask

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Whether `job` went well; it finds the application's database and settings."""
        with self.app.app_context():
            done: bool = super().perform_job(job, queue, execution)
            return done


class QueueWorker(_ProductWorker, Worker):
    """Takes jobs one at a time; each runs in a fork that dies with this process."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Runs `job` in the fork, and never returns."""
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        super().main_work_horse(job, queue)


class InProcessWorker(_ProductWorker, SimpleWorker):
    """Takes jobs one at a time and runs them in this process, so that their threads live on."""


def main(settings: Settings, queues: Sequence[str]) -> None:
    """Works on `queues`, the first one first, until SIGTERM; the running job may finish."""
    _work(QueueWorker, settings, queues)


def main_in_process(settings: Settings, queues: Sequence[str]) -> None:
    """The same without forks; what the jobs' threads have in hand may finish too."""
    worker = _work(InProcessWorker, settings, queues)
    from app.jobs import webhooks

    with worker.app.app_context():
        webhooks.stop()


def _work(kind: type[_ProductWorker], settings: Settings, queues: Sequence[str]) -> _ProductWorker:
    worker = kind(
        list(queues),
        connection=bell.connect(settings.redis_location),
        serializer=JSONSerializer,
    )
    worker.app = create_app(settings, web=False)
    worker.log_job_description = False  # ids are enough in a log
    worker.work(logging_level=_QUIET)
    return worker
