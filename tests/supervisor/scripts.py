"""Small programs for the supervisor to run."""

from __future__ import annotations

import sys
from pathlib import Path

from app.supervisor.process import ProcessSpec


def script(name: str, body: str, **options: object) -> ProcessSpec:
    """A Python program `body`; it finds `sys`, `os`, `signal` and `time` imported."""
    code = "import os, signal, sys, time\n" + body
    return ProcessSpec(name, (sys.executable, "-c", code), **options)  # type: ignore[arg-type]


def sleeper(name: str = "sleeper", **options: object) -> ProcessSpec:
    """Sleeps until it is told to end."""
    return script(name, "time.sleep(600)", **options)


def noting(name: str, notes: Path, **options: object) -> ProcessSpec:
    """Appends its name to `notes` when it is told to end."""
    body = f"""
def note(*_):
    with open({str(notes)!r}, "a") as file:
        file.write({name!r} + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, note)
open({str(notes)!r} + {name!r}, "w").close()
while True:
    time.sleep(1)
"""
    return script(name, body, **options)
