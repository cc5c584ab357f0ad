"""Scenario 2: every other process is killed, one after the other, each under load."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.chaos.judge import Verdict, judge
from tests.chaos.load import Burst
from tests.chaos.outcome import Outcome, settled
from tests.chaos.stage import Stage, running_stage
from tests.product import role_of
from tests.receiver import Reply
from tests.waiting import wait_for

_SETTLE = 150.0  # seconds; what an interrupted sender had claimed is free after 60
_INCOMING, _OUTGOING, _PACE = 240, 120, 20.0  # of each burst, and a second each way
_READY_WITHIN = 60.0
_ENDED_WITHIN = 10.0
_SLOW = 0.3  # seconds that the receiver takes to answer, where kills are to hit open requests
_TELLING = 0.5  # of the scale: a smaller load may be over before a kill

_NOTES = f"""\
In short: *in* is written by contacts; *told* are `message_received` and `message_sent` at the
receiver; *again* are deliveries that came another time under the same webhook-id, by which a
receiver tells (that no message is told under two ids is judged, too). Where deliveries can be cut
off the receiver takes {_SLOW} s to answer: *being answered* is what it was busy with then. What
it had answered already, but was not written down yet, comes again as well. *Quiet* is when all is
delivered, stored and told; what an interrupted sender had claimed is free again after 60 s. The
supervisor of everything is started again as a person would, once nothing of it is left; the test
network goes on meanwhile. Redis's files are deleted while it cannot write, then it is killed."""


def run(folder: Path, database: str, scale: float) -> Verdict:
    """kill -9 of each in turn, a burst of its own each time."""
    verdict = Verdict("2. kill -9 of every other process under load", _NOTES)
    verdict.facts["load of each"] = (
        f"{int(_INCOMING * scale)} incoming, {int(_OUTGOING * scale)} outgoing,"
        f" at most {_PACE:g} a second each"
    )
    with running_stage(folder, database, 10) as stage:
        for victim in _VICTIMS:
            _shoot(verdict, stage, victim, scale)
    return verdict


@dataclass(frozen=True)
class Victim:
    """What is killed. `prepare` comes before the load; `interrupts` tells that its death can cut a
    delivery off between the receiver's answer and our writing it down."""

    name: str
    kill: Callable[[Stage], None]
    prepare: Callable[[Stage], None] = lambda stage: None
    interrupts: bool = False


def _shoot(verdict: Verdict, stage: Stage, victim: Victim, scale: float) -> None:
    stage.receiver.otherwise = Reply(delay=_SLOW if victim.interrupts else 0.0)
    victim.prepare(stage)
    burst = Burst(stage, int(_INCOMING * scale), int(_OUTGOING * scale), _PACE).start()
    wait_for(lambda: burst.progress() > 0.4, 300, "the burst is on its way")
    before = {one.pid for one in stage.processes()}
    progress, killed_at = burst.progress(), time.monotonic()
    victim.kill(stage)
    burst.join()
    found = settled(stage, burst, _SETTLE)
    quiet = time.monotonic() - killed_at
    wait_for(stage.is_ready, _READY_WITHIN, "the product is ready again")
    wait_for(lambda: stage.connected() == len(stage.lines), 60, "all sessions are connected")
    part = Verdict(victim.name)
    judge(part, burst, found)
    again, still_open = found.repeated.total(), _open_at(stage, killed_at)
    part.expect(victim.interrupts or not again, f"webhook-ids came again: {again}")
    part.expect(not stage.orphans(), f"orphans: {stage.orphans()}")
    hit = not victim.interrupts or still_open or again or scale < _TELLING
    part.expect(
        bool(hit), "no delivery was cut off by the kill: the run does not show what it is for"
    )
    new = len({one.pid for one in stage.processes()} - before)
    verdict.facts[f"{victim.name}, at {progress:.0%}"] = (
        f"{_in_short(burst, found)}; again {again}"
        f"{f' ({still_open} were being answered)' if victim.interrupts else ''};"
        f" quiet after {quiet:.0f} s; {new} new processes"
    )
    verdict.wrong += [f"{victim.name}: {wrong}" for wrong in part.wrong]


def _open_at(stage: Stage, moment: float) -> int:
    """How many deliveries the receiver was answering at `moment` of the monotonic clock."""
    return sum(moment - _SLOW < one.at <= moment for one in list(stage.receiver.requests))


def _in_short(burst: Burst, found: Outcome) -> str:
    doubled = sum(count > 1 for count in found.stored.values()) + len(found.delivered_twice)
    undelivered = sum(not found.deliveries[text] for text in burst.taken)
    told = found.told_in.total() + found.told_out.total()
    return (
        f"in {len(found.written)}, lost {len(found.lost_in)}; "
        f"out {len(burst.taken)}, not delivered {undelivered}; doubled {doubled}; told {told}"
    )


def kill_role(name: str) -> Callable[[Stage], None]:
    """kill -9 of the workers of one role."""

    def kill(stage: Stage) -> None:
        for process in workers(stage, name):
            process.kill()

    return kill


def workers(stage: Stage, role: str) -> list[psutil.Process]:
    """The processes of one role of worker.py; "worker" is their supervisor."""
    found = []
    for process in stage.processes():
        with contextlib.suppress(psutil.Error):
            if role_of(process) == role:
                found.append(process)
    assert found, role
    return found


def kill_web(stage: Stage) -> None:
    """kill -9 of gunicorn, its workers included."""
    for process in stage.product.processes("app.supervisor.web"):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _open_attempt(stage: Stage) -> None:
    instance_id = stage.new_instance("Nobody")
    status, answer = stage.ask("GET", f"/instances/{instance_id}/qr?wait=30")
    assert status == 200 and answer["qr"], answer


def _pairing(stage: Stage) -> None:
    """With an attempt under way, whose engine must not live on."""
    engines = stage.product.processes("app.sessions.pairing_process")
    assert engines
    kill_role("pairing")(stage)
    _, living = psutil.wait_procs(engines, timeout=5)
    assert not living, f"the attempt's engine lives on: {living}"


def kill_all_workers(stage: Stage) -> None:
    """kill -9 of the supervisor of the workers, which takes them along."""
    for process in workers(stage, "worker"):
        process.kill()


def _supervisor(stage: Stage) -> None:
    """Everything goes with it, by the kernel's hand; then it is started again."""
    family = stage.processes()
    stage.product.process.kill()
    stage.product.process.wait()
    psutil.wait_procs(family, timeout=_ENDED_WITHIN)
    assert not stage.processes(), f"live on without their supervisor: {stage.processes()}"
    stage.start()


def kill_redis(stage: Stage) -> None:
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


_VICTIMS = (
    Victim("web", kill_web),
    Victim("pairing", _pairing, prepare=_open_attempt),
    Victim("webhooks", kill_role("webhooks"), interrupts=True),
    Victim("jobs", kill_role("jobs")),
    Victim("clock", kill_role("clock")),
    Victim("supervisor of the workers", kill_all_workers, interrupts=True),
    Victim("supervisor of everything", _supervisor, interrupts=True),
    Victim("Redis, its data deleted", kill_redis),
)
