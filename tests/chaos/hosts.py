"""Session hosts as the scenarios see them: who holds what, and when sessions are back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psutil

from tests.chaos.stage import Stage
from tests.waiting import wait_for

BACK_WITHIN = 30.0  # seconds
_GIVE_UP = 120.0  # seconds


@dataclass(frozen=True)
class Shot:
    """A session host that was killed, stopped, or told to end."""

    pid: int
    held: list[str]  # ids of the instances whose sessions it had
    moment: datetime
    log_end: int  # of the network's log, then

    def logins(self, stage: Stage, since: int) -> list[dict[str, Any]]:
        """Logins of these instances' devices after entry `since` of the network's log."""
        phones = {line.phone for line in stage.lines if line.instance_id in self.held}
        return [
            entry
            for entry in stage.sandbox.log(since)
            if entry["kind"] == "login" and entry["account"] in phones
        ]

    def back_after(self, stage: Stage) -> float:
        """Waits for the sessions; seconds until the last one has logged in, by the network."""

        def first() -> dict[str, float]:
            after: dict[str, float] = {}
            for entry in self.logins(stage, self.log_end):
                moment = datetime.fromisoformat(entry["time"])
                if moment > self.moment:
                    after.setdefault(entry["account"], (moment - self.moment).total_seconds())
            return after

        wait_for(lambda: len(first()) == len(self.held), _GIVE_UP, "the sessions are back")
        return max(first().values())


def kill(stage: Stage, pid: int) -> Shot:
    """kill -9 of the host with this process id, which is gone afterwards."""
    held, end = stage.hosts()[pid], len(stage.sandbox.log())
    process = psutil.Process(pid)
    moment = datetime.now(UTC)
    process.kill()
    psutil.wait_procs([process], timeout=10)
    return Shot(pid, held, moment, end)


def suspend(stage: Stage, pid: int) -> Shot:
    """SIGSTOP of the host with this process id."""
    held, end = stage.hosts()[pid], len(stage.sandbox.log())
    moment = datetime.now(UTC)
    psutil.Process(pid).suspend()
    return Shot(pid, held, moment, end)


def terminate(stage: Stage, pid: int) -> Shot:
    """SIGTERM to the host with this process id."""
    held, end = stage.hosts()[pid], len(stage.sandbox.log())
    moment = datetime.now(UTC)
    psutil.Process(pid).terminate()
    return Shot(pid, held, moment, end)


def busiest(stage: Stage) -> int:
    """The process id of the host with most sessions."""
    held = stage.hosts()
    return max(held, key=lambda pid: len(held[pid]))


def host_of(stage: Stage, instance_id: str) -> int:
    """The process id of the host that has this session. Raises StopIteration: none has."""
    return next(pid for pid, held in stage.hosts().items() if instance_id in held)
