"""Has a sound turned into a voice note by the program encoder.py, and says what became of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from app.core.errors import Invalid, Unavailable
from app.core.texts import N_

MIME = "audio/ogg"
LONGEST_MINUTES = 60
log = structlog.get_logger(__name__)

_ENCODER = Path(__file__).with_name("encoder.py")
# As encoder.py ends, which loads what this process is to be without.
_BROKEN, _NO_SOUND, _TOO_LONG = 1, 3, 4
_WAIT_SECONDS = 20.0
_SECONDS = 90.0
"""An hour of sound takes about 15 s of an idle processor."""
_AT_ONCE = 2
_PASSED_ON = ("LD_LIBRARY_PATH", "LANG")
_slots = threading.BoundedSemaphore(_AT_ONCE)


class NotAudio(Invalid):
    """There is no sound in the file, or none that can be read."""

    code = "not_audio"
    message = N_("This file is not audio: a voice message cannot be made of it.")


class TooLong(Invalid):
    """The sound does not go into one voice note."""

    code = "voice_too_long"
    message = N_("A voice message may be at most %(count)d minutes long.")


class Busy(Unavailable):
    """Others have their sounds turned into notes, or this one took too long."""

    code = "conversion_busy"
    message = N_("The recording could not be prepared in time. Try again in a moment.")


@dataclass(frozen=True, slots=True)
class VoiceNote:
    """Opus in Ogg, mono; how long it is; and 64 steps of how loud it is, each 0 to 100."""

    content: bytes
    seconds: int
    waveform: bytes


def note_of(sound: BinaryIO) -> VoiceNote:
    """The voice note of a sound of any usual format, the same for the same sound. `sound` is a real
    file, which is read from where it stands. Raises NotAudio, TooLong (both of the field `file`),
    Busy."""
    with _turn():
        try:
            done = _encode(sound)
        except subprocess.TimeoutExpired as error:
            raise Busy from error
    if done.returncode == _TOO_LONG:
        raise TooLong(field="file", count=LONGEST_MINUTES)
    if done.returncode:
        _look_into(done)
        raise NotAudio(field="file")
    head, _, content = done.stdout.partition(b"\n")
    told = json.loads(head)
    return VoiceNote(content, told["seconds"], bytes.fromhex(told["waveform"]))


def _look_into(done: subprocess.CompletedProcess[bytes]) -> None:
    """Raises RuntimeError where the program failed before it looked at its input. What kills it
    later is no sound; but it is worth a line."""
    detail = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:300]
    if done.returncode == _BROKEN:
        raise RuntimeError(f"the encoder does not work: {detail}")
    if done.returncode != _NO_SOUND:
        log.warning("voice.encoder_killed", status=done.returncode, detail=detail)


@contextmanager
def _turn() -> Iterator[None]:
    if not _slots.acquire(timeout=_WAIT_SECONDS):
        raise Busy
    try:
        yield
    finally:
        _slots.release()


def _encode(sound: BinaryIO) -> subprocess.CompletedProcess[bytes]:
    """Runs the program with nothing of ours: no settings, no keys, no open files."""
    return subprocess.run(  # noqa: S603 - our own interpreter and our own file
        [sys.executable, "-I", str(_ENCODER)],
        stdin=sound,
        capture_output=True,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        timeout=_SECONDS,
        check=False,
    )
