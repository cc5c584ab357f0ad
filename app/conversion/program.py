"""Has a file turned into another by an encoder that runs in a program of its own (confined.py)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from app.core.errors import Unavailable
from app.core.texts import N_

log = structlog.get_logger(__name__)

TOO_MUCH, UNREADABLE = 2, 3
"""Why nothing was made of a file: it took more time than there is for one, or is not what the
encoder reads. Higher ones are the encoder's own. UNREADABLE is how the program ends, as in
confined.py, which loads what this process is to be without."""
_BROKEN, _LAST = 1, 16
_HERE = Path(__file__).parent
_CONFINED = _HERE / "confined.py"
_WAIT_SECONDS = 20.0
_SECONDS = 90.0
"""More than the processor time that the program gives itself: others may be busy, too."""
_AT_ONCE = 2
_PASSED_ON = ("LD_LIBRARY_PATH", "LANG")
_slots = threading.BoundedSemaphore(_AT_ONCE)


class Busy(Unavailable):
    """Others have their files converted, or this one took too long."""

    code = "conversion_busy"
    message = N_("The file could not be prepared in time. Try again in a moment.")


class Refused(Exception):
    """The encoder made nothing of the file. `status` says why."""

    def __init__(self, status: int):
        super().__init__(str(status))
        self.status = status


@dataclass(frozen=True, slots=True)
class Made:
    """What an encoder made: what it tells of it, and its bytes."""

    told: dict[str, Any]
    content: bytes


def made_by(encoder: str, source: BinaryIO) -> Made:
    """What the encoder of this name makes of `source`, a real file, which is read from where it
    stands. Raises Refused, Busy."""
    with _turn():
        try:
            done = _run(encoder, source)
        except subprocess.TimeoutExpired as error:
            raise Busy from error
    if done.returncode:
        _look_into(encoder, done)
        raise Refused(_status_of(done.returncode))
    head, _, content = done.stdout.partition(b"\n")
    return Made(json.loads(head), content)


def _status_of(ended: int) -> int:
    if ended == -signal.SIGXCPU:
        return TOO_MUCH
    return max(ended, UNREADABLE)


def _look_into(encoder: str, done: subprocess.CompletedProcess[bytes]) -> None:
    """Raises RuntimeError where the program failed before it looked at its input. What kills it
    later is the fault of the bytes; but it is worth a line."""
    detail = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:300]
    if done.returncode == _BROKEN:
        raise RuntimeError(f"the encoder does not work: {detail}")
    if not UNREADABLE <= done.returncode < _LAST:
        log.warning("encoder.killed", encoder=encoder, status=done.returncode, detail=detail)


@contextmanager
def _turn() -> Iterator[None]:
    if not _slots.acquire(timeout=_WAIT_SECONDS):
        raise Busy
    try:
        yield
    finally:
        _slots.release()


def _run(encoder: str, source: BinaryIO) -> subprocess.CompletedProcess[bytes]:
    """Runs the program with nothing of ours: no settings, no keys, no open files."""
    return subprocess.run(  # noqa: S603 - our own interpreter and our own files
        [sys.executable, "-I", str(_CONFINED), str(_HERE / f"{encoder}.py")],
        stdin=source,
        capture_output=True,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        timeout=_SECONDS,
        check=False,
    )
