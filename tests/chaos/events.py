"""Scenario 9: 10,000 events, while senders, web servers and Redis are killed at random."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import processes, telling
from tests.chaos.judge import Verdict, judge
from tests.chaos.killed import SEED
from tests.chaos.load import Burst
from tests.chaos.outcome import Outcome, settled
from tests.chaos.stage import Stage, running_stage
from tests.receiver import Reply
from tests.waiting import wait_for

_PHONES = 10
_EACH_WAY = 5_000
_PACE = 40.0  # a second, each way
_ROUNDS = 3  # in each of which everything is killed once, in an order drawn from the seed
_LOST = 0.01  # of the receiver's answers
_SLOW = 0.03  # seconds that it takes to answer, so that kills hit open requests
_SETTLE = 240.0  # seconds; what an interrupted sender had claimed is free after 60
_STANDS_WITHIN = 60.0
_WINDOW = 5  # messages in the engines' buffers at a kill of all workers: at most a handful

_NOTES = f"""\
Killed at moments and in an order drawn from seed {SEED}: the sender (`worker.py webhooks`), all
workers at once with the session hosts among them, the web servers, and Redis, whose files are
deleted while it cannot write. The receiver takes {_SLOW} s to answer, and hangs up in place of one
answer in {1 / _LOST:.0f}. It keeps every request with its body and headers, whether its answer was
handed over whole, and when each connection ended. Both signatures are reckoned anew from what it
kept. A repetition is explained if the receiver did not answer the try before it, or if that try was
among the last of a connection that ended with a killed sender (what was delivered is written down
after a tenth of a second; the busy machine is given 0.9 s more) and is not among those that the
product has written down. *Incoming lost* were in the engine's own buffer when its
host was killed (the known window): of them there is no event."""


@dataclass
class Shots:
    """What was killed."""

    counts: dict[str, int] = field(default_factory=dict)
    of_senders: list[telling.Kill] = field(default_factory=list)


def run(folder: Path, database: str, scale: float) -> Verdict:
    """Kills everything three times in the middle of 10,000 events."""
    verdict = Verdict("9. 10,000 events, kill -9 of senders, web and Redis at random", _NOTES)
    with running_stage(folder, database, _PHONES) as stage:
        each = int(_EACH_WAY * scale)
        _lose_answers(stage, 3 * each)
        burst = Burst(stage, each, each, _PACE).start()
        shots = _shoot_around(stage, burst)
        burst.join()
        found = settled(stage, burst, _SETTLE)
        wait_for(stage.is_ready, _STANDS_WITHIN, "the product is ready again")
        verdict.facts["killed"] = ", ".join(f"{n} times {name}" for name, n in shots.counts.items())
        judge(verdict, burst, found, window=_WINDOW * shots.counts["all workers"])
        _judge_events(verdict, stage, found, shots, scale)
        wait_for(lambda: stage.connected() == _PHONES, 60, "all sessions are connected")
        verdict.expect(not stage.orphans(), f"orphans: {stage.orphans()}")
    return verdict


def _lose_answers(stage: Stage, requests: int) -> None:
    dice = random.Random(SEED)  # noqa: S311 - no secret
    whole, lost = Reply(delay=_SLOW), Reply(delay=_SLOW, hang_up=True)
    stage.receiver.otherwise = whole
    stage.receiver.replies = [lost if dice.random() < _LOST else whole for _ in range(requests)]


def _shoot_around(stage: Stage, burst: Burst) -> Shots:
    """Each kill somewhere in its own part of the load, once everything stands again."""
    dice = random.Random(SEED)  # noqa: S311 - no secret
    order = [name for _ in range(_ROUNDS) for name in dice.sample(sorted(_KILLS), len(_KILLS))]
    shots = Shots()
    for number, name in enumerate(order):
        moment = 0.02 + 0.9 * (number + dice.random()) / len(order)
        wait_for(lambda at=moment: burst.progress() > at, 600, "the load goes on")
        wait_for(lambda: _stands(stage), _STANDS_WITHIN, "everything stands again")
        began = time.monotonic()
        _KILLS[name](stage)
        shots.counts[name] = shots.counts.get(name, 0) + 1
        if name in _SENDERS:
            shots.of_senders.append(telling.Kill(began, time.monotonic()))
    return shots


def _stands(stage: Stage) -> bool:
    with contextlib.suppress(AssertionError):
        return bool(processes.workers(stage, "webhooks")) and stage.product.is_ready()
    return False


_KILLS: dict[str, Callable[[Stage], None]] = {
    "the sender": processes.kill_role("webhooks"),
    "all workers": processes.kill_all_workers,
    "web": processes.kill_web,
    "Redis": processes.kill_redis,
}
_SENDERS = {"the sender", "all workers"}


def _judge_events(
    verdict: Verdict, stage: Stage, found: Outcome, shots: Shots, scale: float
) -> None:
    secrets = telling.secrets_of(stage)
    log = telling.Log(stage.receiver, shots.of_senders, telling.recorded(stage))
    wrong = log.wrongly_signed(secrets)
    unexplained = log.unexplained()
    due = telling.due(stage)
    missing = [one for one in due if one not in log.bodies]
    altered = [one for one, body in due.items() if log.bodies.get(one, body) != body]
    strange = sorted(set(log.bodies) - set(due))
    verdict.facts |= {
        "events: due by the database, arrived": f"{len(due)}, {len(log.bodies)}",
        "of these message_received, message_sent": (
            f"{found.told_in.total()}, {found.told_out.total()}"
        ),
        "requests, wrongly signed": f"{len(log.requests)}, {len(wrong)}",
        "answers that the receiver lost": log.lost_answers,
        "repetitions: after a lost answer, after a kill, unexplained": (
            f"{log.after_lost}, {log.after_kills}, {len(unexplained)}"
        ),
    }
    verdict.expect(not missing, f"did not arrive: {missing[:5]}")
    verdict.expect(not altered, f"arrived with another body: {altered[:5]}")
    verdict.expect(not strange, f"arrived, and the database knows nothing of it: {strange[:5]}")
    verdict.expect(not wrong, f"wrongly signed: {wrong[:5]}")
    verdict.expect(
        not unexplained,
        f"came again: {[log.tell(one) for one in unexplained[:5]]}, kills {shots.of_senders}",
    )
    told = log.after_lost and log.after_kills
    verdict.expect(bool(told) or scale < 1, "nothing came again: the run does not show it")
