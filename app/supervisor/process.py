"""One child process: what to start, how it is started, how it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PLANNED_RESTART = 75
"""Exit status (EX_TEMPFAIL of sysexits.h) of a process that ended in good order and wants to be
started again at once."""
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None)


def nothing(_pid: int, _status: int) -> None:
    """Done where nobody wants to know of a process's end."""


@dataclass(frozen=True)
class ProcessSpec:
    """What the supervisor needs to know of a process.

    `environment` is added to the supervisor's own. Those with a lower `stop_order` are ended, and
    waited for, before the next ones are told. `death_signal` comes from the kernel when the
    supervisor itself is killed. `on_end` is told the id and the exit status (negative: the signal)
    of a process that ended while it should have run.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_order: int = 0
    death_signal: signal.Signals = signal.SIGKILL
    on_end: Callable[[int, int], None] = nothing


def spawn(spec: ProcessSpec, *, stdout: int | None = None) -> subprocess.Popen[bytes]:
    """Starts `spec` in a session of its own, so that Ctrl-C reaches the supervisor alone.

    Call it from a thread that lives as long as the process should: the kernel takes the end of
    the thread for the end of the parent. Raises OSError when the program cannot be started.
    """
    parent = os.getpid()

    def die_with_parent() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(spec.death_signal))
        if os.getppid() != parent:  # it died before the kernel was told
            os.kill(os.getpid(), signal.SIGKILL)

    return subprocess.Popen(  # noqa: S603 - the argv is ours
        spec.argv,
        env={**os.environ, **spec.environment},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills `process` and whatever it started in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def stopped() -> dict[int, list[int]]:
    """The ids of this machine's processes that a signal has stopped (proc_pid_stat(5)), by the id
    of their session, which is that of the process that spawn() started. Those that a debugger
    holds are not among them. Empty where the kernel does not tell."""
    found: dict[int, list[int]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = file.read_text(errors="replace")
        except OSError:  # it has just ended
            continue
        state, _parent, _group, session = stat.rpartition(")")[2].split()[:4]
        if state == "T":
            found.setdefault(int(session), []).append(int(file.parent.name))
    return found
