"""Scenario 8: a session host that has worn out restarts under load, and gets sessions back."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from app.sessions.balance import WORTH_A_MOVE
from app.sessions.wear import SETTLED_AFTER
from tests.chaos import hosts
from tests.chaos.judge import Verdict, judge
from tests.chaos.load import Burst
from tests.chaos.outcome import settled
from tests.chaos.processes import workers
from tests.chaos.stage import Stage, running_stage
from tests.waiting import wait_for

_PHONES = 10
_PACE = 10.0
_ACK_DELAY_MS = 200  # some sends are under way when the host drains
_REOPENINGS = 3
_RESTARTS_WITHIN = 60.0  # seconds
_SETTLE = 150.0  # seconds
_SPREAD_WITHIN = 300.0  # seconds

_NOTES = f"""\
`HOST_REOPENINGS={_REOPENINGS}`: some minutes after the start as many sessions of one host are
reconnected through the API, under load, so the host drains and restarts by itself. Nothing may be
lost. Afterwards the other host has all sessions, and the clock hands silent ones back one by one
until no host has room for more than {WORTH_A_MOVE} beyond what the other one has."""


def run(folder: Path, database: str, scale: float) -> Verdict:
    """Wears a host out in the middle of 400 incoming and 400 outgoing messages."""
    verdict = Verdict("8. A worn-out session host restarts by itself under load", _NOTES)
    with running_stage(folder, database, _PHONES, HOST_REOPENINGS=str(_REOPENINGS)) as stage:
        stage.sandbox.set_faults(ack_delay_ms=_ACK_DELAY_MS)
        pid = hosts.busiest(stage)
        old = psutil.Process(pid)
        time.sleep(max(0.0, old.create_time() + SETTLED_AFTER + 5 - time.time()))
        burst = Burst(stage, int(400 * scale), int(400 * scale), _PACE).start()
        wait_for(lambda: burst.progress() > 0.1, 300, "the burst is on its way")
        verdict.facts |= _wear_out(stage, old, verdict)
        burst.join()
        judge(verdict, burst, settled(stage, burst, _SETTLE))
        verdict.facts |= _spread(stage)
        wait_for(lambda: stage.connected() == _PHONES, 60, "all sessions are connected")
        verdict.expect(not stage.orphans(), f"orphans: {stage.orphans()}")
    return verdict


def _wear_out(stage: Stage, host: psutil.Process, verdict: Verdict) -> dict[str, object]:
    """Reconnects sessions until the host has had enough; what was seen of its restart."""
    held = stage.hosts()[host.pid]
    for instance_id in held[: _REOPENINGS + 1]:
        status, answer = stage.ask("POST", f"/instances/{instance_id}/reconnect")
        verdict.expect(status == 202, f"reconnect: {status} {answer}")
    began = time.monotonic()
    wait_for(lambda: not host.is_running(), _RESTARTS_WITHIN * 4, "the worn host is gone")
    took = time.monotonic() - began
    verdict.expect(took < _RESTARTS_WITHIN, f"the host was replaced only after {took:.1f} s")
    wait_for(lambda: len(workers(stage, "sessions")) == 2, 60, "another host has started")
    wait_for(lambda: stage.connected() == _PHONES, 120, "all sessions are connected")
    return {
        "sessions of the host": len(held),
        "gone after the last reconnect": f"{took:.1f} s",
        "all sessions connected again after it": f"{time.monotonic() - began:.1f} s",
        "said why in its log": "yes" if "host.worn_out" in stage.product.output else "no",
    }


def _spread(stage: Stage) -> dict[str, object]:
    """Waits until the clock has evened out the hosts."""
    before = _shares(stage)
    began = time.monotonic()
    wait_for(
        lambda: max(_shares(stage)) - min(_shares(stage)) <= WORTH_A_MOVE,
        _SPREAD_WITHIN,
        "the hosts are evened out",
    )
    return {
        "sessions by host: after the restart, evened out": f"{before}, {_shares(stage)}",
        "evened out after": f"{time.monotonic() - began:.0f} s of silence",
    }


def _shares(stage: Stage) -> list[int]:
    held = [len(sessions) for sessions in stage.hosts().values()]
    return sorted([*held, 0, 0][:2], reverse=True)
