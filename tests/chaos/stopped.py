"""Scenarios 3 and 5: a session host is stopped for a minute under load, and goes on."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

import psutil

from tests.chaos import hosts
from tests.chaos.judge import Verdict, judge
from tests.chaos.load import Burst
from tests.chaos.outcome import settled
from tests.chaos.stage import Stage, running_stage
from tests.waiting import wait_for

_STOPPED_FOR = 60.0  # seconds; a lease lasts 25
_SETTLE = 150.0  # seconds
_ACK_DELAY_MS = 200  # some sends are under way when the host is stopped

_NOTES = """\
The supervisor kills a process that has been stopped for 12 s, and starts another one, so SIGCONT
comes to a process that is gone."""
_ELSEWHERE_NOTES = """\
Its sign of life (a locked file in DATA_DIR/hosts) is taken away first, so that no clock knows its
process, and the supervisors are stopped with it, as if it ran on another machine that sleeps. Its
engine may log in once more when it goes on, before it looks at its leases; the host that holds them
must stay, and lose nothing."""


def run(folder: Path, database: str, scale: float) -> Verdict:
    """A host of this machine."""
    title = "3. SIGSTOP of a session host for 60 s, then SIGCONT"
    return _run(Verdict(title, _NOTES), folder, database, scale, elsewhere=False)


def run_elsewhere(folder: Path, _database: str, scale: float) -> Verdict:
    """A host that the clock takes for one of another machine: always on PostgreSQL, because with
    SQLite there is no other machine."""
    title = "5. SIGSTOP of a session host of another machine for 60 s, then SIGCONT"
    return _run(Verdict(title, _ELSEWHERE_NOTES), folder, "postgresql", scale, elsewhere=True)


def _run(
    verdict: Verdict, folder: Path, database: str, scale: float, *, elsewhere: bool
) -> Verdict:
    with running_stage(folder, database, 10) as stage:
        stage.sandbox.set_faults(ack_delay_ms=_ACK_DELAY_MS)
        load = int(900 * scale)
        burst = Burst(stage, load, load, pace=10 * scale).start()
        wait_for(lambda: burst.progress() > 0.05, 300, "the burst is on its way")
        pid = hosts.busiest(stage)
        if elsewhere:
            _take_away_sign_of_life(stage, pid)
        asleep = _supervisors(pid) if elsewhere else []
        for process in asleep:
            process.suspend()
        shot = hosts.suspend(stage, pid)
        began = time.monotonic()
        back = shot.back_after(stage)
        time.sleep(max(0.0, began + _STOPPED_FOR - time.monotonic()))
        leases, before = _leases(stage, shot), len(stage.sandbox.log())
        with suppress(psutil.NoSuchProcess):  # it was killed, here
            psutil.Process(pid).resume()
        for process in asleep:
            process.resume()
        burst.join()
        found = settled(stage, burst, _SETTLE)
        verdict.facts |= {
            "sessions of the stopped host": len(shot.held),
            "last of them logged in elsewhere after": f"{back:.1f} s",
            "logins of these sessions after SIGCONT": len(shot.logins(stage, before)),
            "leases of these that changed after SIGCONT": len(leases ^ _leases(stage, shot)) // 2,
            "load": f"at most {10 * scale:g} incoming and outgoing a second over 10 sessions",
        }
        judge(verdict, burst, found)
        verdict.expect(leases == _leases(stage, shot), "leases changed after SIGCONT")
        wait_for(lambda: stage.connected() == 10, 60, "all sessions are connected")
        verdict.expect(not stage.orphans(), f"orphans: {stage.orphans()}")
    return verdict


def _take_away_sign_of_life(stage: Stage, pid: int) -> None:
    signs = [one for one in (stage.data_dir / "hosts").iterdir() if one.read_text() == str(pid)]
    assert len(signs) == 1, signs
    signs[0].unlink()


def _supervisors(pid: int) -> list[psutil.Process]:
    """Those of this host, the topmost first, which would end the others if they slept alone."""
    above = takewhile(lambda one: one.pid != os.getpid(), psutil.Process(pid).parents())
    return [*above][::-1]


def _leases(stage: Stage, shot: hosts.Shot) -> set[tuple[str, str, int]]:
    rows = stage.rows("select instance_id, host_id, epoch from leases")
    return {(one, host, epoch) for one, host, epoch in rows if one in shot.held}
