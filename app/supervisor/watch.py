"""The supervisor: starts processes, restarts those that die, ends all of them in order."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import FrameType, TracebackType
from typing import Any

import structlog

from app.core.backoff import delay_before
from app.supervisor.process import (
    PLANNED_RESTART,
    Child,
    ProcessSpec,
    kill_group,
    launch,
    stopped,
)

log = structlog.get_logger(__name__)

_FIRST_DELAY = timedelta(seconds=0.3)
_LONGEST_DELAY = timedelta(seconds=30)
_STEADY_AFTER = 30.0  # seconds up: a death after that is the first of a new row
_POLL = 0.05  # seconds between two looks at a condition
_RESERVED = 1.0  # seconds kept for each group that is ended later
_LOOK_EVERY = 2.0  # seconds, where no signal comes earlier
_STOPPED_FOR = 12.0
"""Seconds after which a stopped process (SIGSTOP) is killed: it may hold SQLite's write lock, and
then nothing of the product can write, not even the lease of a session, which lasts 25 s."""


class StopRequested(Exception):
    """SIGTERM or SIGINT came while something was waited for."""


@dataclass
class _Child:
    spec: ProcessSpec
    process: Child | None = None
    started_at: float = 0.0
    failures: int = 0
    start_at: float | None = None
    stopped_since: dict[int, float] = field(default_factory=dict)  # by process id, forks too

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Use as a context manager, in the main thread: leaving it ends every process.

    `stop_within` seconds after it began to end them, those still there are killed.
    """

    def __init__(self, *, stop_within: float):
        self._stop_within = stop_within
        self._children: list[_Child] = []
        self._stopping = False
        self._looked_for_stopped = time.monotonic()
        self._handlers: dict[signal.Signals, Any] = {}
        self._wakeup: tuple[int, int] = (-1, -1)

    def __enter__(self) -> Supervisor:
        self._wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            self._end_all()
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            for descriptor in self._wakeup:
                os.close(descriptor)

    def start(self, spec: ProcessSpec, *, after: float = 0.0) -> None:
        """Starts `spec`, in `after` seconds, and watches it from then on."""
        self._children.append(_Child(spec, start_at=time.monotonic() + after))
        self._look()

    def run(self) -> None:
        """Watches until SIGTERM or SIGINT."""
        while not self._stopping:
            self._look()
            self._pause(min(self._until_next_start(), _LOOK_EVERY))

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Watches until `condition` holds, at most `timeout` seconds; says whether it does.

        Raises StopRequested when the wait is cut short by a signal.
        """
        deadline = time.monotonic() + timeout
        while not condition():
            if self._stopping:
                raise StopRequested
            if time.monotonic() > deadline:
                return False
            self._look()
            self._pause(_POLL)
        return True

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            self._stopping = True

    def _pause(self, seconds: float | None) -> None:
        """Sleeps, at most until the next signal; the wakeup pipe has one byte for each."""
        if select.select([self._wakeup[0]], [], [], seconds)[0]:
            os.read(self._wakeup[0], 4096)

    def _look(self) -> None:
        for child in self._children:
            if child.process is not None and not child.running:
                self._mourn(child, child.process)
            if child.start_at is not None and time.monotonic() >= child.start_at:
                self._launch(child)
        if time.monotonic() - self._looked_for_stopped >= _LOOK_EVERY:
            self._end_stopped()

    def _end_stopped(self) -> None:
        """Kills what has been stopped for too long, be it a child or what a child forked (the web
        server's worker, the process of a job). Not at every look: it reads all of /proc."""
        self._looked_for_stopped = time.monotonic()
        found = stopped()
        for child in self._children:
            if child.process is not None:
                _end_if_stopped(child, child.process, found.get(child.process.pid, []))

    def _until_next_start(self) -> float:
        due = [child.start_at for child in self._children if child.start_at is not None]
        return max(min(due) - time.monotonic(), 0) if due else float("inf")

    def _launch(self, child: _Child) -> None:
        child.start_at = None
        try:
            child.process = launch(child.spec)
        except OSError as error:
            log.error("process.not_started", name=child.spec.name, error=str(error))
            self._plan_restart(child)
            return
        child.started_at = time.monotonic()
        log.info("process.started", name=child.spec.name, pid=child.process.pid)

    def _mourn(self, child: _Child, process: Child) -> None:
        kill_group(process)  # what it started must not live on beside its successor
        child.process = None
        child.spec.on_end(process.pid, process.wait())
        steady = time.monotonic() - child.started_at > _STEADY_AFTER
        if steady:
            child.failures = 0
        if steady and process.returncode == PLANNED_RESTART:
            log.info("process.wants_restart", name=child.spec.name, pid=process.pid)
            child.start_at = time.monotonic()
            return
        log.warning("process.died", name=child.spec.name, pid=process.pid, code=process.returncode)
        self._plan_restart(child)

    def _plan_restart(self, child: _Child) -> None:
        child.failures += 1
        delay = delay_before(child.failures, first=_FIRST_DELAY, cap=_LONGEST_DELAY)
        child.start_at = time.monotonic() + delay.total_seconds()
        log.info("process.restarting", name=child.spec.name, in_seconds=delay.total_seconds())

    def _end_all(self) -> None:
        end = time.monotonic() + self._stop_within
        orders = sorted({child.spec.stop_order for child in self._children})
        for position, order in enumerate(orders, start=1):
            group = [child for child in self._children if child.spec.stop_order == order]
            self._end_group(group, end - _RESERVED * (len(orders) - position))

    def _end_group(self, group: list[_Child], deadline: float) -> None:
        living = [child for child in group if child.running]
        for child in living:
            _process_of(child).terminate()
        while any(child.running for child in living) and time.monotonic() < deadline:
            self._pause(min(_POLL, max(deadline - time.monotonic(), 0)))
        for child in living:
            process = _process_of(child)
            if child.running:
                log.warning("process.killed", name=child.spec.name, pid=process.pid)
            kill_group(process)
            code = process.wait()
            log.info("process.ended", name=child.spec.name, pid=process.pid, code=code)


def _end_if_stopped(child: _Child, process: Child, pids: list[int]) -> None:
    """Kills those of `pids`, stopped now, that have been for too long. A child's successor is
    started as ever; a fork is replaced, or given up, by the child that forked it."""
    now = time.monotonic()
    child.stopped_since = {pid: child.stopped_since.get(pid, now) for pid in pids}
    for pid, since in child.stopped_since.items():
        if now - since > _STOPPED_FOR:
            log.error("process.stopped", name=child.spec.name, pid=pid)
            if pid == process.pid:
                kill_group(process)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _process_of(child: _Child) -> Child:
    assert child.process is not None  # noqa: S101 - asked of running children only
    return child.process
