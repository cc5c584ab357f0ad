from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

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
