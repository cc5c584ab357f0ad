"""Voice notes: what somebody recorded, in the one form that phones show as spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from app.conversion.program import Refused, made_by
from app.core.errors import Invalid
from app.core.texts import N_

MIME = "audio/ogg"
LONGEST_MINUTES = 60
_TOO_LONG = 4  # as voice_encoder.py ends


class NotAudio(Invalid):
    """There is no sound in the file, or none that can be read."""

    code = "not_audio"
    message = N_("This file is not audio: a voice message cannot be made of it.")


class TooLong(Invalid):
    """The sound does not go into one voice note."""

    code = "voice_too_long"
    message = N_("A voice message may be at most %(count)d minutes long.")


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
    try:
        made = made_by("voice_encoder", sound)
    except Refused as refused:
        if refused.status == _TOO_LONG:
            raise TooLong(field="file", count=LONGEST_MINUTES) from refused
        raise NotAudio(field="file") from refused
    waveform = bytes.fromhex(made.told["waveform"])
    return VoiceNote(made.content, made.told["seconds"], waveform)
