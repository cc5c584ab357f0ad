"""Locks that tell at once that a host on this machine is dead.

A lease runs out 25 s after its host died. The kernel knows it sooner: every host holds the lock of
a file for as long as it lives, whatever ends it. Whoever can take the lock knows that the host is
gone. A host on another machine has no file here, and its leases simply run out.

The file also tells whom to kill when a host lives but does nothing: see reconcile.py. Beside it the
supervisor notes when a process crashed, which whoever finds the lock free could not tell from one
that was killed.
"""

from __future__ import annotations

import fcntl
import os
import signal
from contextlib import suppress
from pathlib import Path

from app.config import Settings
from app.supervisor.process import PLANNED_RESTART

_SUFFIX = ".alive"
_CRASHED = ".crashed"
_NO_CRASH = {0, PLANNED_RESTART, -signal.SIGTERM, -signal.SIGINT, -signal.SIGKILL}
"""Statuses of a process that ended by itself, or that somebody ended: a person, the supervisor, the
kernel when memory ran out."""


def show(settings: Settings, host_id: str) -> int:
    """Says that this host lives, until the process ends; the descriptor must stay open."""
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _note(settings, os.getpid()).unlink(missing_ok=True)  # of an earlier process of this number
    unlocked = folder / f"{host_id}.new"  # a file nobody looks at, until the lock is held
    file = os.open(unlocked, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    os.write(file, str(os.getpid()).encode())
    unlocked.rename(folder / f"{host_id}{_SUFFIX}")
    return file


def dead(settings: Settings) -> list[str]:
    """The ids of hosts of this machine that are gone and not buried yet."""
    return [file.stem for file in _folder(settings).glob(f"*{_SUFFIX}") if _is_free(file)]


def living(settings: Settings) -> list[str]:
    """The ids of hosts of this machine whose processes live, whatever they do."""
    return [file.stem for file in _folder(settings).glob(f"*{_SUFFIX}") if not _is_free(file)]


def end(settings: Settings, host_id: str) -> None:
    """Kills the process of a host of this machine; does nothing when it is gone already."""
    file = _folder(settings) / f"{host_id}{_SUFFIX}"
    if _is_free(file):
        return
    # Whoever holds the lock wrote its id, so this is no later process of the same number.
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(file.read_text()), signal.SIGKILL)


def note_end(settings: Settings, pid: int, status: int) -> None:
    """Notes that the process of a host crashed, if its exit status (negative: the signal) says so
    and it had shown its life sign."""
    signs = _folder(settings).glob(f"*{_SUFFIX}")
    if status not in _NO_CRASH and any(file.read_text() == str(pid) for file in signs):
        _note(settings, pid).touch()


def crashed(settings: Settings, host_id: str) -> bool:
    """Whether the supervisor saw this dead host crash. False for one that nobody supervised."""
    try:
        pid = int((_folder(settings) / f"{host_id}{_SUFFIX}").read_text())
    except (FileNotFoundError, ValueError):
        return False
    return _note(settings, pid).exists()


def bury(settings: Settings, host_id: str) -> None:
    """Removes the files of a host that is gone."""
    file = _folder(settings) / f"{host_id}{_SUFFIX}"
    with suppress(FileNotFoundError, ValueError):
        _note(settings, int(file.read_text())).unlink(missing_ok=True)
    file.unlink(missing_ok=True)


def _note(settings: Settings, pid: int) -> Path:
    return _folder(settings) / f"{pid}{_CRASHED}"


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "hosts"


def _is_free(path: Path) -> bool:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # buried by another clock
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(file)
    return True
