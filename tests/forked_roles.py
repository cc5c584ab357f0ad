"""Roles of worker.py as forks of a server that has imported for all of them, as their supervisor
does in the product: starting one costs a tenth of what it costs to execute it.

The server imports this module, and with it what the roles need.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import forkserver, get_context
from pathlib import Path

from app.supervisor import roles

if "pytest" not in sys.modules:
    roles.import_for_forks()


class ForkedRole:
    """A running role: as much of subprocess.Popen as is asked of it."""

    def __init__(self, role: str, environment: Mapping[str, str], log: Path) -> None:
        target = get_context("forkserver").Process(target=_become, args=(role, environment, log))
        target.start()
        self._process = target
        assert target.pid is not None
        self.pid: int = target.pid

    def poll(self) -> int | None:
        """The exit status (negative: the signal), None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The same, once it has ended. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return self._process.exitcode

    def kill(self) -> None:
        """Sends SIGKILL."""
        self._process.kill()

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)


def start_server() -> None:
    """Starts the server, before anybody looks which processes there are."""
    get_context("forkserver").set_forkserver_preload([__name__])
    forkserver.ensure_running()


def _become(role: str, environment: Mapping[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    sys.exit(roles.main([role]))
