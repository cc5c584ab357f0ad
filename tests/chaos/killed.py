"""Scenarios 1 and 6: session hosts are killed in mid-send, and in a flood of messages."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import hosts
from tests.chaos.judge import Verdict, judge
from tests.chaos.load import Burst
from tests.chaos.outcome import Outcome, Row, rows_of, settled
from tests.chaos.pair import two_in_one_chat
from tests.chaos.stage import Line, Stage, running_stage
from tests.waiting import wait_for

SEED = 20261123
_PHONES = 10
_ACK_DELAY_MS = 400  # longer than the gap: a session is in mid-send most of the time
_PACE = 40.0  # a second, each way
_WINDOW = 5  # messages in the engines' buffers at a kill: at most a handful
_SETTLE = 150.0  # seconds
_TELLING = 0.5  # of the scale: a smaller load may be over before a kill

_NOTES = f"""\
Killed at moments drawn from seed {SEED}, each time the host with most sessions. WhatsApp
acknowledges each send {_ACK_DELAY_MS} ms late, so most sessions are in mid-send when they are
killed. The contacts of every other phone, and that phone itself, tell no receipts: what was
caught there stays unconfirmed, and is settled by Resend and Dismiss in turn, through the API.
*Had left* is what the contact had, by the network's log, when the host was killed."""

_FLOOD_NOTES = """\
All phones' devices are cut off, their contacts write, and when the network takes connections
again everything comes at once; the host with most sessions is killed when the given part of it is
stored. What it loses was in the engine's own buffer, which is acknowledged to WhatsApp and in no
file yet (the known window, docs/sessions.md). *Waiting* is what the network keeps for the devices
at the end: nothing, so what is lost would not come any more."""


@dataclass
class Kill:
    """A host killed in the middle of a burst."""

    shot: hosts.Shot
    progress: float
    caught: list[Row]  # messages it was sending
    back: float  # seconds until the last of its sessions had logged in again

    def gone(self, found: Outcome) -> list[Row]:
        """Those of `caught` that the contact had by then."""
        had = {one.text for one in found.delivered if one.at <= self.shot.moment}
        return [row for row in self.caught if row.text in had]


def run(folder: Path, database: str, scale: float) -> Verdict:
    """Kills in the middle of 1,000 incoming and 500 outgoing messages."""
    verdict = Verdict("1. kill -9 of a session host during a burst", _NOTES)
    with running_stage(folder, database, _PHONES) as stage:
        silent = [
            line for number, line in enumerate(stage.lines) if number % 4 < 2
        ]  # on both hosts
        _acknowledge_late(stage, silent)
        burst = Burst(stage, int(1000 * scale), int(500 * scale), _PACE).start()
        kills = [_kill(stage, burst, at) for at in _moments(0.1, 0.4, 0.7)]
        burst.join()
        dumb = {line.instance_id for line in silent}
        settled(stage, burst, _SETTLE, lambda row: row.is_unconfirmed and row.instance_id in dumb)
        _decide(stage, burst)
        found = settled(stage, burst, _SETTLE)
        _tell_of_kills(verdict, kills, found)
        gone = any(kill.gone(found) for kill in kills)
        verdict.expect(gone or scale < _TELLING, "no kill caught anything that had left")
        judge(verdict, burst, found, window=_WINDOW)
        two_in_one_chat(stage, silent[0], verdict)
        _check_end(stage, verdict)
    return verdict


def run_flood(folder: Path, database: str, scale: float) -> Verdict:
    """Kills while 1,000 messages that waited come in at once."""
    verdict = Verdict("6. kill -9 of a session host in a flood", _FLOOD_NOTES)
    with running_stage(folder, database, _PHONES) as stage:
        for part in _moments(0.05, 0.35, 0.65):
            _flood(stage, int(1000 * scale), part, verdict)
        _check_end(stage, verdict)
    return verdict


def _moments(*earliest: float) -> list[float]:
    """Parts of a load, each up to a quarter later than told: always the same."""
    dice = random.Random(SEED)  # noqa: S311 - no secret
    return [start + dice.random() / 4 for start in earliest]


def _acknowledge_late(stage: Stage, silent: list[Line]) -> None:
    stage.sandbox.set_faults(ack_delay_ms=_ACK_DELAY_MS)
    for line in silent:
        late = {"ack_delay_ms": _ACK_DELAY_MS, "withhold_receipts": True}
        stage.sandbox.set_faults(line.phone, **late)
        stage.sandbox.set_faults(line.reader, **late)


def _kill(stage: Stage, burst: Burst, at: float) -> Kill:
    wait_for(lambda: burst.progress() > at, 300, "the burst is on its way")
    progress = burst.progress()
    shot = hosts.kill(stage, hosts.busiest(stage))
    rows = [row for row in rows_of(stage, burst) if row.instance_id in shot.held]
    caught = [row for row in rows if row.status == "sending"]
    return Kill(shot, progress, caught, shot.back_after(stage))


def _decide(stage: Stage, burst: Burst) -> None:
    """As a person would, of what nothing is heard: sent again, or left, in turn."""
    unconfirmed = [row for row in rows_of(stage, burst) if row.is_unconfirmed]
    for number, row in enumerate(sorted(unconfirmed, key=lambda row: row.id)):
        verb = ("resend", "dismiss")[number % 2]
        path = f"/instances/{row.instance_id}/messages/{row.id}/{verb}"
        status, answer = stage.ask("POST", path)
        assert status in {200, 202}, answer


def _tell_of_kills(verdict: Verdict, kills: list[Kill], found: Outcome) -> None:
    """The kills, and what became of messages that they caught in mid-send."""
    for number, kill in enumerate(kills, start=1):
        verdict.facts[f"kill {number}, at {kill.progress:.0%} of the load"] = (
            f"{len(kill.shot.held)} sessions, {len(kill.caught)} in mid-send; "
            f"the last one logged in again after {kill.back:.1f} s"
        )
        late = kill.back > hosts.BACK_WITHIN
        verdict.expect(not late, f"sessions were back after {kill.back:.1f} s only")
    now = {row.id: row for row in found.outgoing}
    gone = [row.id for kill in kills for row in kill.gone(found)]
    fates = Counter(now[one].settled or now[one].status for one in gone)
    caught = sum(len(kill.caught) for kill in kills)
    verdict.facts |= {
        "caught in mid-send, of these had left": f"{caught}, {len(gone)}",
        "had left, now": ", ".join(f"{count} {fate}" for fate, count in fates.items()) or "none",
        "had not left, sent by the product after that": caught - len(gone),
    }


def _flood(stage: Stage, count: int, part: float, verdict: Verdict) -> None:
    stage.sandbox.set_faults(refuse_connections=True)
    stage.sandbox.set_faults(drop=True)
    wait_for(lambda: stage.connected() == 0, 30, "all devices are cut off")
    burst = Burst(stage, count, 0, pace=1000).start()
    burst.join()
    stage.sandbox.reset_faults()
    for line in stage.lines:
        stage.ask("POST", f"/instances/{line.instance_id}/reconnect")
    wait_for(lambda: len(rows_of(stage, burst)) >= part * count, 120, "the flood has begun")
    stored = len(rows_of(stage, burst))
    shot = hosts.kill(stage, hosts.busiest(stage))
    back = shot.back_after(stage)
    found = settled(stage, burst, _SETTLE)
    verdict.facts[f"{count} come at once, killed when {stored} are stored"] = (
        f"{len(shot.held)} sessions, back after {back:.1f} s; lost {len(found.lost_in)}, "
        f"waiting {stage.waiting()}"
    )
    part_verdict = Verdict("")
    judge(part_verdict, burst, found, window=_WINDOW)
    verdict.wrong += part_verdict.wrong


def _check_end(stage: Stage, verdict: Verdict) -> None:
    wait_for(lambda: stage.connected() == len(stage.lines), 60, "all sessions are connected")
    verdict.expect(not stage.orphans(), f"orphans: {stage.orphans()}")
