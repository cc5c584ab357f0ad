"""Scenario 4: QR codes that somebody opens and nobody looks at again."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

from tests.chaos.judge import Verdict
from tests.chaos.stage import Stage, running_stage
from tests.waiting import wait_for

_SIDE_BY_SIDE = 10
_ENDS_WITHIN = 120.0  # seconds: 30 without a look, and the machine is loaded
_PER_CODE = 64 * 1024  # bytes of memory that may stay for each code: rows cached, and noise
_NOISE = 16 * 1024**2  # bytes


@dataclass(frozen=True)
class Footprint:
    """What the product takes of the machine."""

    processes: int
    threads: int
    open_files: int
    files: int  # in DATA_DIR, the logs aside
    memory: int  # bytes, what all processes have for themselves

    @classmethod
    def of(cls, stage: Stage) -> Footprint:
        """Now."""
        count, threads, descriptors, memory = 0, 0, 0, 0
        for process in stage.processes():
            with contextlib.suppress(psutil.Error):
                threads += process.num_threads()
                descriptors += process.num_fds()
                memory += process.memory_full_info().uss
                count += 1
        files = [one for one in stage.data_dir.rglob("*") if one.is_file() and one.suffix != ".log"]
        return cls(count, threads, descriptors, len(files), memory)


def opened(folder: Path, scale: float) -> Verdict:
    """200 codes, in groups of ten instances."""
    rounds = max(1, round(200 * scale / _SIDE_BY_SIDE))
    codes = rounds * _SIDE_BY_SIDE
    verdict = Verdict(f"4. {codes} QR codes opened and abandoned")
    with running_stage(folder, 1, PAIRING_WORKERS=str(_SIDE_BY_SIDE)) as stage:
        instances = [stage.new_instance(f"Nobody {number}") for number in range(_SIDE_BY_SIDE)]
        _round(stage, instances)  # the first one warms everything up
        before = Footprint.of(stage)
        for _ in range(rounds):
            _round(stage, instances)
        after = Footprint.of(stage)
    for one in fields(Footprint):
        old, new = getattr(before, one.name), getattr(after, one.name)
        verdict.facts[f"{one.name.replace('_', ' ')}: before, after"] = f"{old:,}, {new:,}"
        room = _NOISE + codes * _PER_CODE if one.name == "memory" else _ROOM.get(one.name, 0)
        verdict.expect(new <= old + room, f"{one.name} grew from {old:,} to {new:,}")
    verdict.facts["side by side"] = _SIDE_BY_SIDE
    return verdict


# RQ's workers and gunicorn's threads come and go with the load; a leak would be one per code.
_ROOM = {"threads": 8, "open_files": 8, "files": 2}


def _round(stage: Stage, instances: list[str]) -> None:
    """A code for each of `instances`, then nobody asks any more until all attempts have ended."""
    for instance_id in instances:
        path = f"/instances/{instance_id}/qr?wait=1"
        wait_for(lambda path=path: stage.ask("GET", path)[1].get("qr"), _ENDS_WITHIN, "a QR code")
    wait_for(lambda: not _attempts(stage), _ENDS_WITHIN, "all attempts have ended")
    time.sleep(1)  # the workers' forks end a moment after the attempts


def _attempts(stage: Stage) -> list[psutil.Process]:
    return stage.product.processes("app.sessions.pairing_process")
