"""Scenario 7: a session host is told to end under load, and hands its sessions on."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from tests.chaos import hosts
from tests.chaos.judge import Verdict, judge
from tests.chaos.load import Burst
from tests.chaos.outcome import settled
from tests.chaos.stage import Stage, running_stage
from tests.waiting import wait_for

_PHONES = 10
_PACE = 40.0
_ACK_DELAY_MS = 400  # some sends are under way when the host is told
_ENDS_WITHIN = 10.0  # seconds
_SETTLE = 150.0  # seconds

_NOTES = """\
WhatsApp acknowledges each send 400 ms late, so sends are under way when SIGTERM comes, each time to
the host with most sessions. Nothing may be lost here, not even from the engine's buffer: a host
that ends in good order closes its sessions first and then reads what they had received."""


def run(folder: Path, database: str, scale: float) -> Verdict:
    """SIGTERM twice in the middle of 1,000 incoming and 500 outgoing messages."""
    verdict = Verdict("7. SIGTERM of a session host during a burst", _NOTES)
    with running_stage(folder, database, _PHONES) as stage:
        stage.sandbox.set_faults(ack_delay_ms=_ACK_DELAY_MS)
        burst = Burst(stage, int(1000 * scale), int(500 * scale), _PACE).start()
        for part in (0.3, 0.6):
            wait_for(lambda part=part: burst.progress() > part, 300, "the burst is on its way")
            verdict.facts[f"SIGTERM at {part:.0%} of the load"] = _end(stage, verdict)
        burst.join()
        judge(verdict, burst, settled(stage, burst, _SETTLE))
        wait_for(lambda: stage.connected() == _PHONES, 60, "all sessions are connected")
        verdict.expect(not stage.orphans(), f"orphans: {stage.orphans()}")
    return verdict


def _end(stage: Stage, verdict: Verdict) -> str:
    pid = hosts.busiest(stage)
    shot = hosts.terminate(stage, pid)
    began = time.monotonic()
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], _ENDS_WITHIN * 3)
    took = time.monotonic() - began
    verdict.expect(took < _ENDS_WITHIN, f"the host took {took:.1f} s to end")
    back = shot.back_after(stage)
    verdict.expect(back < hosts.BACK_WITHIN, f"sessions were back after {back:.1f} s")
    return (
        f"{len(shot.held)} sessions; the host was gone after {took:.1f} s, the last session"
        f" logged in again after {back:.1f} s"
    )
