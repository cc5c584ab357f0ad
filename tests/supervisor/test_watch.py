from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from app.supervisor import watch
from app.supervisor.process import PLANNED_RESTART
from app.supervisor.watch import StopRequested, Supervisor
from tests.supervisor.scripts import noting, script, sleeper
from tests.waiting import wait_for


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor(stop_within=3) as supervisor:
        yield supervisor


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def signal_soon(number: signal.Signals, delay: float = 0.2) -> None:
    threading.Timer(delay, os.kill, (os.getpid(), number)).start()


def test_dead_process_is_started_again(supervisor: Supervisor) -> None:
    before = set(children())
    supervisor.start(sleeper())
    (first,) = set(children()) - before
    first.kill()

    def replaced() -> bool:
        return any(child not in before and child != first for child in children())

    assert supervisor.wait_until(replaced, timeout=5)


def test_process_that_dies_at_once_waits_longer_each_time(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    starts.touch()
    supervisor.start(script("crasher", f"open({str(starts)!r}, 'a').write(f'{{time.time()}}\\n')"))
    supervisor.wait_until(lambda: len(starts.read_text().splitlines()) >= 4, timeout=10)

    times = [float(line) for line in starts.read_text().splitlines()]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses[0] > 0.3
    assert pauses[1] > 0.6
    assert pauses[2] > 1.2


def starts_of(supervisor: Supervisor, tmp_path: Path, body: str, count: int) -> list[float]:
    """When a program that runs `body` was started, the first `count` times."""
    starts = tmp_path / "starts"
    starts.touch()
    note = f"open({str(starts)!r}, 'a').write(f'{{time.time()}}\\n')\n"
    supervisor.start(script("program", note + body))
    supervisor.wait_until(lambda: len(starts.read_text().splitlines()) >= count, timeout=20)
    return [float(line) for line in starts.read_text().splitlines()]


def test_process_that_wants_a_restart_is_started_without_a_pause(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_STEADY_AFTER", 0.0)
    monkeypatch.setattr(watch, "_FIRST_DELAY", timedelta(seconds=30))

    starts = starts_of(supervisor, tmp_path, f"sys.exit({PLANNED_RESTART})", 3)

    assert len(starts) >= 3


def test_process_that_wants_a_restart_at_once_waits_like_one_that_dies(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    first, second, third = starts_of(supervisor, tmp_path, f"sys.exit({PLANNED_RESTART})", 3)[:3]

    assert second - first > 0.3
    assert third - second > 0.6


def test_stopped_process_is_replaced(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_STOPPED_FOR", 0.5)
    monkeypatch.setattr(watch, "_LOOK_EVERY", 0.1)
    before = set(children())
    supervisor.start(sleeper())
    (stopped,) = set(children()) - before
    stopped.suspend()

    replaced = supervisor.wait_until(
        lambda: len({one for one in children() if one.is_running()} - before - {stopped}) == 1,
        timeout=10,
    )

    assert replaced
    assert not stopped.is_running()


LOCK_ONCE = """
import sqlite3
database, pid_file = {database!r}, {pid_file!r}
if not os.path.exists(pid_file):
    if {forked} and os.fork():
        time.sleep(600)
    if {forked}:
        os.setpgrp()  # as RQ's forks do
    lock = sqlite3.connect(database, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with open(pid_file + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(pid_file + ".new", pid_file)
time.sleep(600)
"""


@pytest.mark.parametrize("forked", [False, True], ids=["child", "fork of a child"])
def test_write_lock_of_a_stopped_process_is_freed(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forked: bool
) -> None:
    monkeypatch.setattr(watch, "_STOPPED_FOR", 0.5)
    monkeypatch.setattr(watch, "_LOOK_EVERY", 0.1)
    database, pid_file = tmp_path / "manager.db", tmp_path / "pid"
    with contextlib.closing(sqlite3.connect(database, isolation_level=None, timeout=0)) as ours:
        ours.execute("PRAGMA journal_mode=WAL")
        values = {"database": str(database), "pid_file": str(pid_file), "forked": forked}
        supervisor.start(script("locker", LOCK_ONCE.format(**values)))
        wait_for(pid_file.exists, 20, "the write lock is held")
        psutil.Process(int(pid_file.read_text())).suspend()
        assert not can_write(ours)

        assert supervisor.wait_until(lambda: can_write(ours), timeout=20)


def can_write(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    connection.execute("ROLLBACK")
    return True


def test_process_that_goes_on_in_time_is_left_alone(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_STOPPED_FOR", 60.0)
    monkeypatch.setattr(watch, "_LOOK_EVERY", 0.1)
    before = set(children())
    supervisor.start(sleeper())
    (paused,) = set(children()) - before
    paused.suspend()
    supervisor.wait_until(lambda: False, timeout=0.5)
    paused.resume()

    monkeypatch.setattr(watch, "_STOPPED_FOR", 0.2)
    supervisor.wait_until(lambda: False, timeout=1)

    assert paused.is_running() and paused.status() != psutil.STATUS_ZOMBIE


def test_end_of_a_process_is_told(supervisor: Supervisor) -> None:
    told: list[tuple[int, int]] = []
    spec = dataclasses.replace(
        script("crash", "import os; os.abort()"), on_end=lambda *end: told.append(end)
    )

    supervisor.start(spec)

    assert supervisor.wait_until(lambda: bool(told), timeout=10)
    assert told[0][1] == -signal.SIGABRT


def test_program_that_is_missing_does_not_end_the_supervisor(supervisor: Supervisor) -> None:
    before = set(children())
    supervisor.start(type(sleeper())("missing", ("/nowhere/program",)))
    supervisor.start(sleeper())

    assert supervisor.wait_until(lambda: len(set(children()) - before) == 1, timeout=5)


def test_delayed_process_starts_later(supervisor: Supervisor) -> None:
    before = set(children())
    asked = time.monotonic()
    supervisor.start(sleeper(), after=0.4)
    assert set(children()) == before

    assert supervisor.wait_until(lambda: set(children()) != before, timeout=5)
    assert time.monotonic() - asked >= 0.4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_ends_at_a_signal(supervisor: Supervisor, number: signal.Signals) -> None:
    supervisor.start(sleeper())
    signal_soon(number)

    supervisor.run()  # or the test's time-out speaks


def test_signal_cuts_a_wait_short(supervisor: Supervisor) -> None:
    signal_soon(signal.SIGTERM)

    with pytest.raises(StopRequested):
        supervisor.wait_until(lambda: False, timeout=20)


def test_processes_end_in_their_order(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    with Supervisor(stop_within=5) as supervisor:
        for name, order in (("last", 9), ("first", 1), ("second", 2)):
            supervisor.start(noting(name, notes, stop_order=order))
        supervisor.wait_until(lambda: len(list(tmp_path.glob("notes*"))) == 3, timeout=10)

    assert notes.read_text().split() == ["first", "second", "last"]


def test_process_that_ignores_the_signal_is_killed_in_time(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    deaf = f"signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(ready)!r}, 'w')\n"
    with Supervisor(stop_within=1) as supervisor:
        supervisor.start(script("deaf", deaf + "time.sleep(600)"))
        supervisor.wait_until(ready.exists, timeout=10)
        told = time.monotonic()

    assert 0.9 < time.monotonic() - told < 2


def test_grandchildren_end_with_their_parent(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    body = f"""
import subprocess
child = subprocess.Popen(["sleep", "600"])
with open({str(pid_file)!r} + ".new", "w") as file:
    file.write(str(child.pid))
os.rename({str(pid_file)!r} + ".new", {str(pid_file)!r})
time.sleep(600)
"""
    with Supervisor(stop_within=2) as supervisor:
        supervisor.start(script("parent", body))
        supervisor.wait_until(pid_file.exists, timeout=10)

    wait_for(lambda: not alive(int(pid_file.read_text())), what="the grandchild is gone")


def test_killed_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = textwrap.dedent(f"""
        from app.supervisor.watch import Supervisor
        from tests.supervisor.scripts import script
        body = \"\"\"
        with open({str(pid_file)!r} + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.rename({str(pid_file)!r} + ".new", {str(pid_file)!r})
        time.sleep(600)
        \"\"\".replace("        ", "")
        with Supervisor(stop_within=1) as supervisor:
            supervisor.start(script("child", body))
            supervisor.run()
    """)
    top = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    wait_for(pid_file.exists, timeout=10, what="the child runs")
    top.kill()
    top.wait()

    wait_for(lambda: not alive(int(pid_file.read_text())), what="the child is gone")


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
