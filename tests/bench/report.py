"""The report: what was measured, when, on what, and how."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.measures import Memory, Start
from tests.product import ROOT

REPORT = ROOT / "docs" / "reports" / "bench.md"
WITHIN = 10.0
"""Seconds from the start of the supervisor in which all sessions are wanted back."""
_TITLES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_METHOD = f"""# Bench: how long a start takes, and how much memory

`make bench` links a fleet of phones to the product on the [test network](../sandbox.md), stops
everything and starts it again with `python -m app.supervisor`, as `make run` does, with the
default settings. The network starts along with the product and simulates all phones on the same
processors, so WhatsApp's part of the work is in these numbers. Files are in the system's cache
("cold" are the processes, not the disk).

- Times are seconds from the start of the supervisor. A session counts as back at its login in the
  network's own log; at the end every device must be online there. Wanted: all
  within {WITHIN:g} s.
- "Hosts up" is when the last session host said so, "ready" when the address was printed.
- Memory is read 5 s after the last login. PSS splits what processes share among them, USS is what
  nobody else has.
- "Load" is the machine's load average (1 minute) before the start: 0 is a machine that does
  nothing else.
"""


@dataclass(frozen=True)
class Series:
    """All starts on one database: one without any session, the others with all."""

    database: str
    sessions: int
    idle: Start
    starts: list[Start]

    @property
    def in_time(self) -> bool:
        """Whether all sessions were back soon enough, every time."""
        return all(start.last_login <= WITHIN for start in self.starts)


def machine_and_commit(where: str = "") -> str:
    """When, of which commit, and on what it is measured."""
    command = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**3
    machine = f"{os.cpu_count()} processors, {memory} GiB, {platform.system()} {platform.machine()}"
    data = f"; data in {where}" if where else ""
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}.\n\n"
        f"Machine: {machine}, Python {platform.python_version()}{data}."
    )


def write(path: Path, series: list[Series], *, where: str) -> None:
    """Writes the report, in place of the one before."""
    lines = [_METHOD, machine_and_commit(where), ""]
    for one in series:
        lines += [f"## {_TITLES[one.database]}", "", *_times(one), "", *_memory(one), ""]
    path.write_text("\n".join(lines).rstrip() + "\n")


def _times(one: Series) -> list[str]:
    rows = [("none", one.idle), *((str(one.sessions), start) for start in one.starts)]
    lines = ["| sessions | load | ready | hosts up | first login | all back | from hosts up |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
    for sessions, start in rows:
        back = "| | |"
        if start.last_login:
            back = f"{start.first_login:.1f} | **{start.last_login:.1f}** | {start.restored:.1f} |"
        hosts = f"{start.ready:.1f} | {start.hosts_up:.1f}"
        lines.append(f"| {sessions} | {start.load:.1f} | {hosts} | {back}")
    verdict = "Held" if one.in_time else "Not held"
    return [*lines, "", f"{verdict}: all sessions back within {WITHIN:g} s of every start."]


def _memory(one: Series) -> list[str]:
    full = one.starts[-1].memory
    lines = [f"| MiB, PSS (USS) | processes | without sessions | with {one.sessions} |"]
    lines += ["| --- | --- | --- | --- |"]
    for role, used in full.items():
        lines.append(f"| {role} | {used.processes} | {_of(one.idle.memory[role])} | {_of(used)} |")
    return lines


def _of(memory: Memory) -> str:
    return f"{memory.pss:.0f} ({memory.uss:.0f})"
