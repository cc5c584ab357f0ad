"""What a process with the engine needs: at its start by others, and in its first lines.

Go reads the environment that the process was started with, so whoever starts it passes
`engine_environment`; setting os.environ inside comes too late. In sandbox mode Python's own TLS
would trust only the sandbox as well: such a process makes no other HTTPS calls.

This module is the only place of the product that knows the sandbox network.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

_KEPT_LOG_BYTES = 5 * 1024 * 1024
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class SandboxStateError(RuntimeError):
    """SANDBOX=1 is set but the sandbox's state file is missing or broken."""


@dataclass(frozen=True, slots=True)
class SandboxState:
    """Where the sandbox network listens, written by `python -m app.sandbox`."""

    proxy_url: str
    control_url: str
    ca_file: str
    noise_root: bytes

    @classmethod
    def read(cls, path: Path) -> SandboxState:
        """Returns the state in this file. Raises SandboxStateError."""
        try:
            data = json.loads(path.read_text())
            noise_root = bytes.fromhex(data["noise_root"])
            return cls(data["proxy_url"], data["control_url"], data["ca_file"], noise_root)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SandboxStateError(
                f"cannot read the sandbox's state in {path}: {error}"
            ) from error


def engine_environment(sandbox_state: Path | None = None) -> dict[str, str]:
    """Returns the variables to add when starting a process that loads the engine.

    `sandbox_state` is the sandbox's state file, None outside sandbox mode. Raises
    SandboxStateError.
    """
    # Without it every message to a phone JID carries a mark of business bots.
    environment = {"NEONIZE_BOT_TAG": "off"}
    if sandbox_state is not None:
        environment["SANDBOX"] = "1"
        environment["SANDBOX_STATE"] = str(sandbox_state)
        environment["SSL_CERT_FILE"] = SandboxState.read(sandbox_state).ca_file
    return environment


def sandbox_of(environment: Mapping[str, str] = os.environ) -> SandboxState | None:
    """Returns where the sandbox listens, None outside sandbox mode. Raises SandboxStateError."""
    if environment.get("SANDBOX") != "1":
        return None
    path = environment.get("SANDBOX_STATE")
    if not path:
        raise SandboxStateError("SANDBOX=1 is set but SANDBOX_STATE names no file")
    return SandboxState.read(Path(path))


def prepare_process(engine_log: Path) -> TextIO:
    """Makes this process ready for the engine; call it before anything is logged or imported.

    The engine's library writes to standard output and standard error as it likes: both go to
    `engine_log` (crash reports too; over 5 MiB it starts anew and keeps one old file). Returns a
    stream to the process's original standard error, which also becomes sys.stderr: for our own
    logs. Raises the limit of open files as far as allowed. Then loads the engine's library and, in
    sandbox mode, makes it trust the sandbox.
    """
    own = _redirect_output(engine_log)
    _allow_many_files()
    from app.engine import library

    library.load()
    sandbox = sandbox_of()
    if sandbox is not None:
        from app.sandbox.trust import trust

        trust(sandbox.noise_root)
    return own


def _redirect_output(engine_log: Path) -> TextIO:
    sys.stdout.flush()
    sys.stderr.flush()
    own = io.TextIOWrapper(os.fdopen(os.dup(2), "wb", 0), line_buffering=True, write_through=True)
    engine_log.parent.mkdir(parents=True, exist_ok=True)
    if engine_log.exists() and engine_log.stat().st_size > _KEPT_LOG_BYTES:
        engine_log.replace(engine_log.with_name(engine_log.name + ".1"))
    log = os.open(engine_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    sys.stderr = own
    return own


def _allow_many_files() -> None:
    """Raises the limit of open files: a session has several, and each reopening leaves one behind
    (neonize never closes a key store; on PostgreSQL it leaves two connections)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def die_with_parent(death_signal: signal.Signals = signal.SIGKILL) -> None:
    """Asks the kernel to end this process when its parent ends (Linux; elsewhere does nothing).

    The kernel watches the parent's *thread* that made this process: start it from a thread that
    stays. Ends the process at once if the parent is gone already.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent or parent == 1:
        os.kill(os.getpid(), death_signal)
