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
_QUARTERS = 4
_NOISE = 16 * 1024**2  # bytes

_NOTES = f"""\
{_SIDE_BY_SIDE} attempts run side by side (`PAIRING_WORKERS={_SIDE_BY_SIDE}`) in the same
{_SIDE_BY_SIDE} instances; each ends 30 s after the last look. A round before the first count
warms everything up. Memory is the sum of what each process has for itself (USS), in bytes; files
are those in `DATA_DIR`, logs aside. A process grows with its first jobs, and then no more; what is
lost for each code grows to the end. So memory is judged from the middle on."""


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


def run(folder: Path, database: str, scale: float) -> Verdict:
    """200 codes, in groups of ten instances."""
    rounds = max(1, round(200 * scale / _SIDE_BY_SIDE))
    codes = rounds * _SIDE_BY_SIDE
    verdict = Verdict("4. QR codes opened and abandoned", _NOTES, {"codes": codes})
    with running_stage(folder, database, 1, PAIRING_WORKERS=str(_SIDE_BY_SIDE)) as stage:
        instances = [stage.new_instance(f"Nobody {number}") for number in range(_SIDE_BY_SIDE)]
        _round(stage, instances)  # the first one warms everything up
        footprints = [Footprint.of(stage)]
        for _ in range(rounds):
            _round(stage, instances)
            footprints.append(Footprint.of(stage))
    _judge(verdict, footprints, codes)
    verdict.facts["side by side"] = _SIDE_BY_SIDE
    return verdict


def _judge(verdict: Verdict, footprints: list[Footprint], codes: int) -> None:
    before, middle, after = footprints[0], footprints[len(footprints) // 2], footprints[-1]
    for one in fields(Footprint):
        old, new = getattr(before, one.name), getattr(after, one.name)
        verdict.facts[f"{one.name.replace('_', ' ')}: before, after"] = f"{old:,}, {new:,}"
        if one.name != "memory":
            room = _ROOM.get(one.name, 0)
            verdict.expect(new <= old + room, f"{one.name} grew from {old:,} to {new:,}")
    steps = [round(part * (len(footprints) - 1) / _QUARTERS) for part in range(_QUARTERS + 1)]
    series = ", ".join(f"{footprints[step].memory:,}" for step in steps)
    verdict.facts["memory at the start and after each quarter"] = series
    grown = after.memory - middle.memory
    room = _NOISE + codes // 2 * _PER_CODE
    verdict.expect(grown <= room, f"memory grew by {grown:,} in the second half")


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
