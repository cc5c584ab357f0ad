"""Children that are forks of their supervisor: they live and end as executed ones do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.supervisor.process import ProcessSpec
from app.supervisor.watch import Supervisor
from tests.waiting import wait_for

PARENT = """
import sys, time
from app.supervisor.process import ProcessSpec
from app.supervisor.watch import Supervisor
with Supervisor(stop_within=3) as supervisor:
    supervisor.start(ProcessSpec("fork", run=lambda: time.sleep(600)))
    supervisor.run()
"""


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor(stop_within=3) as supervisor:
        yield supervisor


@pytest.fixture
def start(supervisor: Supervisor) -> Callable[..., psutil.Process]:
    """Starts a fork that runs a function."""

    def start(run: Callable[[], None], **options: object) -> psutil.Process:
        before = set(psutil.Process().children())
        supervisor.start(ProcessSpec("cook", run=run, **options))  # type: ignore[arg-type]
        (fork,) = set(psutil.Process().children()) - before
        return fork

    return start


def sleep() -> None:
    time.sleep(600)


def test_fork_is_called_by_its_name_and_has_a_session_of_its_own(
    start: Callable[..., psutil.Process],
) -> None:
    fork = start(sleep)

    wait_for(lambda: fork.name() == "cook", 5)
    assert os.getsid(fork.pid) == fork.pid


def test_fork_holds_no_descriptor_of_its_supervisor(
    start: Callable[..., psutil.Process], tmp_path: Path
) -> None:
    note = tmp_path / "note"
    note.touch()
    with (tmp_path / "lock").open("wb"):
        start(lambda: (note.write_text(" ".join(os.listdir("/proc/self/fd"))) and None) or sleep())  # noqa: PTH208
        told = wait_for(note.read_text, 5).split()

    # One is the folder's own while it is read, and one the note's.
    assert len([one for one in told if int(one) > 2]) <= 2


def test_killed_fork_is_replaced(
    supervisor: Supervisor, start: Callable[..., psutil.Process]
) -> None:
    first = start(sleep)
    first.kill()

    def replaced() -> bool:
        return any(one != first and one.name() == "cook" for one in psutil.Process().children())

    assert supervisor.wait_until(replaced, timeout=5)


@pytest.mark.parametrize(
    ("run", "status"),
    [
        (lambda: sys.exit(75), 75),
        (lambda: 1 / 0, 1),
        (lambda: None, 0),
        (lambda: os.kill(os.getpid(), signal.SIGABRT), -signal.SIGABRT),
    ],
    ids=["planned", "failed", "over", "crashed"],
)
def test_end_of_a_fork_is_told_with_its_status(
    supervisor: Supervisor,
    start: Callable[..., psutil.Process],
    run: Callable[[], None],
    status: int,
) -> None:
    ends: list[tuple[int, int]] = []
    fork = start(run, on_end=lambda pid, status: ends.append((pid, status)))

    assert supervisor.wait_until(lambda: bool(ends), timeout=5)
    assert ends[0] == (fork.pid, status)


def test_fork_that_is_told_to_end_ends_by_the_signal(
    supervisor: Supervisor, start: Callable[..., psutil.Process]
) -> None:
    ends: list[int] = []
    fork = start(sleep, on_end=lambda _, status: ends.append(status))
    fork.terminate()  # perhaps before it has come to itself

    assert supervisor.wait_until(lambda: bool(ends), timeout=5)
    assert ends[0] == -signal.SIGTERM


def test_supervisor_ends_its_forks() -> None:
    before = set(psutil.Process().children())
    with Supervisor(stop_within=3) as supervisor:
        supervisor.start(ProcessSpec("cook", run=sleep))
        (fork,) = set(psutil.Process().children()) - before

    assert not fork.is_running()


def test_fork_dies_with_its_killed_supervisor() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT])
    (fork,) = wait_for(psutil.Process(parent.pid).children, 10)
    wait_for(lambda: fork.name() == "fork", 5)
    parent.kill()
    parent.wait()

    wait_for(lambda: not fork.is_running() or fork.status() == psutil.STATUS_ZOMBIE, 5)
