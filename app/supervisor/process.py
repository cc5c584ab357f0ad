"""One child process: what to start, how it is started, how it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class ProcessSpec:
    """What the supervisor needs to know of a process.

    `environment` is added to the supervisor's own. Those with a lower `stop_order` are ended, and
    waited for, before the next ones are told. `death_signal` comes from the kernel when the
    supervisor itself is killed.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_order: int = 0
    death_signal: signal.Signals = signal.SIGKILL


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
