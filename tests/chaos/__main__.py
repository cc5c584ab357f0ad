"""`python -m tests.chaos [--scenario N ...] [--scale X] [--report FILE]`; exit 1: not all held."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos import abandoned, hosts, processes
from tests.chaos.judge import Verdict
from tests.product import ROOT

SCENARIOS: dict[int, Callable[[Path, float], Verdict]] = {
    1: hosts.killed,
    2: processes.killed,
    3: hosts.stopped,
    4: abandoned.opened,
}


def main() -> int:
    """Runs the scenarios, prints their verdicts as they come; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--scenario", type=int, nargs="+", choices=SCENARIOS, default=[*SCENARIOS])
    parser.add_argument("--scale", type=float, default=1.0, help="of the load; 1 is the whole")
    parser.add_argument("--folder", type=Path, help="data goes under it; best a tmpfs")
    parser.add_argument("--report", type=Path, help="the verdicts are appended to this file")
    options = parser.parse_args()
    failed = False
    for number in options.scenario:
        text, good = _run(SCENARIOS[number], options.scale, options.folder)
        failed |= not good
        print(text, flush=True)
        if options.report:
            with options.report.open("a") as file:
                file.write(text)
    return int(failed)


def _run(
    scenario: Callable[[Path, float], Verdict], scale: float, folder: Path | None
) -> tuple[str, bool]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=folder) as data:
        try:
            verdict = scenario(Path(data), scale)
        except Exception:
            print((Path(data) / "output.txt").read_text()[-5000:], file=sys.stderr)
            raise
        if verdict.wrong:
            _keep(Path(data) / "output.txt")
    return _told(verdict, scale, time.monotonic() - began), not verdict.wrong


def _keep(output: Path) -> None:
    kept = Path(tempfile.mkstemp(prefix="chaos-output-", suffix=".txt")[1])
    kept.write_bytes(output.read_bytes())
    print(f"The product's log is kept in {kept}", file=sys.stderr)


def _told(verdict: Verdict, scale: float, seconds: float) -> str:
    """A section of the report."""
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    command = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    lines = [f"## {verdict.title}", "", f"{now}, commit {commit}, scale {scale:g}, {seconds:.0f} s"]
    lines += ["", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in verdict.facts.items()]
    lines += ["", "**Held.**" if not verdict.wrong else "**Did not hold:**"]
    lines += [f"- {wrong}" for wrong in verdict.wrong]
    return "\n".join([*lines, "", ""])


if __name__ == "__main__":
    sys.exit(main())
