"""Scenario 2: every other process is killed, one after the other, each under load."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.chaos.judge import Outcome, Verdict, judge, settled
from tests.chaos.load import Burst
from tests.chaos.stage import Stage, running_stage
from tests.waiting import wait_for

_SETTLE = 150.0  # seconds; what an interrupted sender had claimed is free after 60
_PACE = 10.0  # a second, each way
_READY_WITHIN = 60.0
# Whose death can cut a delivery off between the receiver's answer and our writing it down.
_MAY_REPEAT = {"webhooks", "worker supervisor"}


def killed(folder: Path, scale: float) -> Verdict:
    """kill -9 of each in turn, a burst of its own each time."""
    verdict = Verdict("2. kill -9 of every other process under load")
    verdict.facts["load of each"] = (
        f"{int(120 * scale)} incoming, {int(60 * scale)} outgoing, at most {_PACE:g} a second each"
    )
    with running_stage(folder, 10) as stage:
        for name, kill in _VICTIMS.items():
            _shoot(verdict, stage, name, kill, scale)
    return verdict


def _shoot(
    verdict: Verdict, stage: Stage, name: str, kill: Callable[[Stage], None], scale: float
) -> None:
    burst = Burst(stage, int(120 * scale), int(60 * scale), _PACE).start()
    wait_for(lambda: burst.progress() > 0.4, 300, "the burst is on its way")
    before = {one.pid for one in stage.processes()}
    kill(stage)
    killed_at = time.monotonic()
    burst.join()
    found = settled(stage, burst, _SETTLE)
    quiet = time.monotonic() - killed_at
    wait_for(stage.product.is_ready, _READY_WITHIN, "the product is ready again")
    part = Verdict(name)
    judge(part, burst, found)
    may_repeat = name in _MAY_REPEAT
    part.expect(may_repeat or not found.repeated, f"webhook-ids came again: {found.repeated[:3]}")
    part.expect(not stage.orphans(), f"orphans: {stage.orphans()}")
    part.expect(stage.connected() == len(stage.lines), "not all sessions are connected")
    new = len({one.pid for one in stage.processes()} - before)
    verdict.facts[name] = (
        f"{_in_short(burst, found)}; quiet after {quiet:.0f} s; {new} new processes"
    )
    verdict.wrong += [f"{name}: {wrong}" for wrong in part.wrong]


def _in_short(burst: Burst, found: Outcome) -> str:
    doubled = sum(count > 1 for count in (found.stored + found.delivered).values())
    undelivered = sum(not found.delivered[text] for text in burst.taken)
    told = len(found.told_in) + len(found.told_out)
    return (
        f"in {len(found.written)}, lost {len(found.lost_in)}; "
        f"out {len(burst.taken)}, not delivered {undelivered}; "
        f"doubled {doubled}; told {told}, again {len(found.repeated)}"
    )


def _role(name: str) -> Callable[[Stage], None]:
    def kill(stage: Stage) -> None:
        for process in _workers(stage, name):
            process.kill()

    return kill


def _workers(stage: Stage, *words: str) -> list[psutil.Process]:
    """The processes that run worker.py with exactly these arguments and are no forks of others."""
    found = []
    for process in stage.processes():
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            if len(line) > 1 and line[1].endswith("worker.py") and tuple(line[2:]) == words:
                found.append(process)
    assert found, words
    return found


def _web(stage: Stage) -> None:
    for process in stage.product.processes("app.supervisor.web"):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _pairing(stage: Stage) -> None:
    """With an attempt under way, whose engine must not live on."""
    instance_id = stage.new_instance("Nobody")
    status, answer = stage.ask("GET", f"/instances/{instance_id}/qr?wait=30")
    assert status == 200 and answer["qr"], answer
    engines = stage.product.processes("app.sessions.pairing_process")
    assert engines
    _role("pairing")(stage)
    psutil.wait_procs(engines, timeout=5)
    living = [engine for engine in engines if engine.is_running()]
    assert not living, f"the attempt's engine lives on: {living}"


def _redis(stage: Stage) -> None:
    """Its data is deleted while it cannot write any, then it is killed."""
    servers = [
        process
        for process in stage.product.processes()
        if "redis-server" in " ".join(process.cmdline())
    ]
    assert servers
    for server in servers:
        server.send_signal(signal.SIGSTOP)
    for file in (stage.data_dir / "redis").rglob("*"):
        if file.is_file() and file.suffix not in {".log", ".conf"}:
            file.unlink()
    for server in servers:
        server.kill()


_VICTIMS: dict[str, Callable[[Stage], None]] = {
    "web": _web,
    "pairing": _pairing,
    "webhooks": _role("webhooks"),
    "jobs": _role("jobs"),
    "clock": _role("clock"),
    "worker supervisor": lambda stage: [one.kill() for one in _workers(stage)] and None,
    "Redis, its data deleted": _redis,
}
