"""The report: a section for each scenario and database, printed, and kept in a file."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.judge import Verdict
from tests.product import ROOT


def section(verdict: Verdict, conditions: str) -> str:
    """What the report says of one run. `conditions` are those that it ran under."""
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    command = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    lines = [f"## {verdict.title}", "", f"{now}, commit {commit}, {conditions}"]
    lines += ["", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {_number(value)} |" for name, value in verdict.facts.items()]
    lines += ["", "**Did not hold:**" if verdict.wrong else "**Held.**"]
    lines += [f"- {wrong}" for wrong in verdict.wrong]
    lines += ["", verdict.notes, ""] if verdict.notes else [""]
    return "\n".join(lines)


def put(path: Path, text: str) -> None:
    """Puts a section into the report in place of the one of the same title, else in order."""
    whole = path.read_text() if path.exists() else ""
    head, *sections = re.split(r"(?m)^(?=## )", whole)
    title = text.splitlines()[0]
    others = [one.strip() for one in sections if one.splitlines()[0] != title]
    parts = [head.strip(), *sorted([*others, text.strip()], key=_place)]
    path.write_text("\n\n".join(part for part in parts if part) + "\n")


def _place(section: str) -> tuple[int, str]:
    """Sections stand in the order of their numbers."""
    title = section.splitlines()[0]
    return int(title.split()[1].rstrip(".")), title


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
