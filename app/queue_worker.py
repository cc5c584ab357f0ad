"""RQ workers as the product runs them: JSON jobs in an application context, and no orphans."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Sequence

from flask import Flask
from rq import Queue, SimpleWorker, Worker
from rq.job import Job
from rq.serializers import JSONSerializer

from app import bell, create_app
from app.config import Settings
from app.rq_worker import QUIET, InApplication

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class ForkingWorker(InApplication, Worker):
    """Runs each job in a fork, which may take long, hang or crash, and dies with this process."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Runs `job` in the fork, and never returns."""
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
        super().main_work_horse(job, queue)


class PairingWorker(ForkingWorker):
    """Does not wait for a running attempt, which may take minutes: it is told to end, too."""

    def handle_warm_shutdown_request(self) -> None:
        """This process was told to end."""
        if self.horse_pid:
            os.kill(self.horse_pid, signal.SIGTERM)


class InlineWorker(InApplication, SimpleWorker):
    """Runs jobs in this process: for those that return at once and leave the work to threads."""


def run_forking(settings: Settings, queues: Sequence[str]) -> None:
    """Works on `queues`, the first one first, until SIGTERM; the running job may finish."""
    _work(ForkingWorker, create_app(settings, web=False), settings, queues)


def run_pairing(settings: Settings) -> None:
    """Links phones, one after the other, until SIGTERM; the running attempt is broken off."""
    _work(PairingWorker, create_app(settings, web=False), settings, ("pairing",))


def run_inline(settings: Settings, queues: Sequence[str]) -> None:
    """The same for jobs that return at once; what they left to threads is finished at the end."""
    from app.jobs import downloads, webhooks  # bring HTTP, which other roles do without

    app = create_app(settings, web=False, threaded=True)
    _work(InlineWorker, app, settings, queues)
    with app.app_context():
        webhooks.stop()
        downloads.stop()


def _work(kind: type[InApplication], app: Flask, settings: Settings, queues: Sequence[str]) -> None:
    connection = bell.connect(settings.redis_location)
    worker = kind(list(queues), connection=connection, serializer=JSONSerializer)
    worker.app = app
    worker.work(logging_level=QUIET)
