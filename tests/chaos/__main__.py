"""`python -m tests.chaos --help`; exit status 1: not all held."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.chaos import (
    abandoned,
    crossing,
    database,
    drained,
    events,
    killed,
    processes,
    report,
    stopped,
    worn,
)
from tests.chaos.judge import Verdict

SCENARIOS: dict[int, Callable[[Path, str, float], Verdict]] = {
    1: killed.run,
    2: processes.run,
    3: stopped.run,
    4: abandoned.run,
    5: stopped.run_elsewhere,
    6: killed.run_flood,
    7: drained.run,
    8: worn.run,
    9: events.run,
    10: crossing.run,
}
_MEMORY = Path("/dev/shm")  # noqa: S108 - key stores are slow on a disk


def main() -> int:
    """Runs the scenarios, prints their verdicts as they come; returns the exit status."""
    options = _options()
    failed = False
    for number in options.scenario:
        verdict, conditions = _run(SCENARIOS[number], options)
        failed |= bool(verdict.wrong)
        text = report.section(verdict, conditions)
        print(text, flush=True)
        if options.report:
            report.put(options.report, text)
    return int(failed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--scenario", type=int, nargs="+", choices=SCENARIOS, default=[*SCENARIOS])
    parser.add_argument("--scale", type=float, default=1.0, help="of the load; 1 is the whole")
    parser.add_argument("--database", choices=database.NAMES, default=database.NAMES[0])
    memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    parser.add_argument("--folder", type=Path, default=memory, help="data goes under it")
    parser.add_argument("--report", type=Path, help="each verdict replaces its section there")
    return parser.parse_args()


def _run(
    scenario: Callable[[Path, str, float], Verdict], options: argparse.Namespace
) -> tuple[Verdict, str]:
    """The verdict, and what it was found under."""
    began, load = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=options.folder) as folder:
        output = Path(folder) / "output.txt"
        try:
            verdict = scenario(Path(folder), options.database, options.scale)
        except BaseException:
            _keep(output)
            raise
        if verdict.wrong:
            _keep(output)
    if options.database != database.NAMES[0]:
        verdict.title += ", on PostgreSQL"
    seconds = time.monotonic() - began
    return verdict, f"scale {options.scale:g}, {seconds:.0f} s, load average before it {load:.1f}"


def _keep(output: Path) -> None:
    kept = Path(tempfile.mkstemp(prefix="chaos-output-", suffix=".txt")[1])
    kept.write_bytes(output.read_bytes() if output.exists() else b"")
    print(f"The product's log is kept in {kept}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
