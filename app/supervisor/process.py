"""One child process: what to start, how it is started, how it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

PLANNED_RESTART = 75
"""Exit status (EX_TEMPFAIL of sysexits.h) of a process that ended in good order and wants to be
started again at once."""
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_NAME = 15  # the same; of 15 bytes at most
_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)  # by the supervisor: see watch.py
_libc = ctypes.CDLL(None)


def nothing(_pid: int, _status: int) -> None:
    """Done where nobody wants to know of a process's end."""


@dataclass(frozen=True)
class ProcessSpec:
    """What the supervisor needs to know of a process.

    `environment` is added to the supervisor's own. Those with a lower `stop_order` are ended, and
    waited for, before the next ones are told. `death_signal` comes from the kernel when the
    supervisor itself is killed. `on_end` is told the id and the exit status (negative: the signal)
    of a process that ended while it should have run. With `run` nothing is executed: the process is
    a fork of the supervisor that runs this, and is called `name` in lists of processes.
    """

    name: str
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_order: int = 0
    death_signal: signal.Signals = signal.SIGKILL
    on_end: Callable[[int, int], None] = nothing
    run: Callable[[], None] | None = None


class Fork:
    """A process that was forked: as much of subprocess.Popen as is asked of a child here."""

    def __init__(self, spec: ProcessSpec, run: Callable[[], None]) -> None:
        self._process = get_context("fork").Process(target=_live, args=(spec, run, os.getpid()))
        with _no_signals():
            self._process.start()
        assert self._process.pid is not None  # noqa: S101 - it was started
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status (negative: the signal), None while it was not seen to end."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same, having looked."""
        return self._process.exitcode

    def wait(self) -> int:
        """The exit status, once it has ended."""
        self._process.join()
        assert self._process.exitcode is not None  # noqa: S101 - it was waited for
        return self._process.exitcode

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self._process.terminate()


Child = subprocess.Popen[bytes] | Fork


@contextmanager
def _no_signals() -> Iterator[None]:
    """Keeps signals back, so that a fork that is told to end has no handler of its parent's."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _live(spec: ProcessSpec, run: Callable[[], None], parent: int) -> None:
    """In the fork: becomes what an executed process would be, then runs."""
    signal.set_wakeup_fd(-1)
    for number in _HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
    _die_with(parent, spec)
    os.setsid()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    _libc.prctl(_PR_SET_NAME, spec.name.encode())
    run()


def _die_with(parent: int, spec: ProcessSpec) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, int(spec.death_signal))
    if os.getppid() != parent:  # it died before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)


def launch(spec: ProcessSpec) -> Child:
    """Starts `spec`, or forks where it says so. The rest as of spawn()."""
    return spawn(spec) if spec.run is None else Fork(spec, spec.run)


def spawn(spec: ProcessSpec, *, stdout: int | None = None) -> subprocess.Popen[bytes]:
    """Executes `spec` in a session of its own, so that Ctrl-C reaches the supervisor alone.

    Call it from a thread that lives as long as the process should: the kernel takes the end of
    the thread for the end of the parent. Raises OSError when the program cannot be started.
    """
    parent = os.getpid()
    return subprocess.Popen(  # noqa: S603 - the argv is ours
        spec.argv,
        env={**os.environ, **spec.environment},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        start_new_session=True,
        preexec_fn=lambda: _die_with(parent, spec),
    )


def kill_group(process: Child) -> None:
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
