"""Scenarios 1 and 3: a session host is killed, and one is stopped for a minute."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.chaos.judge import Verdict, judge, settled
from tests.chaos.load import Burst
from tests.chaos.stage import Stage, running_stage
from tests.waiting import wait_for

BACK_WITHIN = 30.0  # seconds
_WINDOW = 5  # messages in the engine's buffer at a kill: at most a handful
_STOPPED_FOR = 60.0  # seconds; a lease lasts 25
_SETTLE = 150.0  # seconds


def killed(folder: Path, scale: float) -> Verdict:
    """kill -9 of a host in the middle of 1,000 incoming and 500 outgoing messages."""
    verdict = Verdict("1. kill -9 of a session host during a burst")
    with running_stage(folder, 10) as stage:
        burst = Burst(stage, int(1000 * scale), int(500 * scale), pace=40).start()
        wait_for(lambda: burst.progress() > 0.4, 300, "the burst is on its way")
        pid, held = _busiest(stage)
        moment = datetime.now(UTC)
        psutil.Process(pid).kill()
        back = _back_after(stage, held, burst.log_start, moment)
        burst.join()
        found = settled(stage, burst, _SETTLE)
        verdict.facts |= {
            "sessions of the killed host": len(held),
            "last of them logged in again after": f"{back:.1f} s",
            "load": "at most 40 incoming and 40 outgoing a second over 10 sessions",
        }
        verdict.expect(back <= BACK_WITHIN, f"sessions were back after {back:.1f} s only")
        judge(verdict, burst, found, window=_WINDOW)
        verdict.expect(stage.connected() == 10, "not all sessions are connected at the end")
        verdict.expect(not stage.orphans(), f"orphans: {stage.orphans()}")
    return verdict


def stopped(folder: Path, scale: float) -> Verdict:
    """SIGSTOP of a host for a minute under load, then SIGCONT."""
    verdict = Verdict("3. SIGSTOP of a session host for 60 s, then SIGCONT")
    with running_stage(folder, 10) as stage:
        burst = Burst(stage, int(900 * scale), int(900 * scale), pace=10 * scale).start()
        wait_for(lambda: burst.progress() > 0.05, 300, "the burst is on its way")
        pid, held = _busiest(stage)
        host = psutil.Process(pid)
        moment = datetime.now(UTC)
        host.suspend()
        began = time.monotonic()
        back = _back_after(stage, held, burst.log_start, moment)
        time.sleep(max(0.0, began + _STOPPED_FOR - time.monotonic()))
        elsewhere = _epochs(stage, held)
        before = len(stage.sandbox.log())
        with suppress(psutil.NoSuchProcess):  # the clock may have killed what hung
            host.resume()
        burst.join()
        found = settled(stage, burst, _SETTLE)
        logins = _logins(stage, held, before)
        verdict.facts |= {
            "sessions of the stopped host": len(held),
            "last of them logged in elsewhere after": f"{back:.1f} s",
            "logins of these sessions after SIGCONT": len(logins),
            "load": f"at most {10 * scale:g} incoming and outgoing a second over 10 sessions",
        }
        verdict.expect(not set(held) & set(stage.hosts().get(pid, [])), "a session went back")
        verdict.expect(not logins, f"the old host, or another, logged in again: {logins}")
        verdict.expect(_epochs(stage, held) == elsewhere, "leases changed after SIGCONT")
        judge(verdict, burst, found)
        verdict.expect(stage.connected() == 10, "not all sessions are connected at the end")
    return verdict


def _busiest(stage: Stage) -> tuple[int, list[str]]:
    return max(stage.hosts().items(), key=lambda item: len(item[1]))


def _epochs(stage: Stage, held: list[str]) -> list[tuple[str, int]]:
    rows = stage.rows("select instance_id, epoch from leases order by instance_id")
    return [(instance_id, epoch) for instance_id, epoch in rows if instance_id in held]


def _logins(stage: Stage, held: list[str], since: int) -> list[dict[str, object]]:
    """Logins of these instances' devices that the network logged after entry `since`."""
    phones = {line.phone for line in stage.lines if line.instance_id in held}
    return [
        entry
        for entry in stage.sandbox.log(since)
        if entry["kind"] == "login" and entry["account"] in phones
    ]


def _back_after(stage: Stage, held: list[str], since: int, moment: datetime) -> float:
    """Seconds from `moment` until the last of these has logged in, by the network's log."""

    def first_logins() -> dict[str, float]:
        after: dict[str, float] = {}
        for entry in _logins(stage, held, since):
            seconds = (datetime.fromisoformat(str(entry["time"])) - moment).total_seconds()
            if seconds > 0:
                after.setdefault(str(entry["account"]), seconds)
        return after

    wait_for(lambda: len(first_logins()) == len(held), 120, "the sessions are back")
    return max(first_logins().values())
