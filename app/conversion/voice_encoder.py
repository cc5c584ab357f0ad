"""An encoder for confined.py: reads a sound and writes the voice note that WhatsApp takes of it.

It tells `seconds` and `waveform` (in hexadecimal). An hour of sound takes about 15 s of an idle
processor.
"""

from __future__ import annotations

import contextlib
import io
import wave
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, BinaryIO

import av
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from av.stream import Disposition

LONGEST = 3600
"""Seconds of a note: what WhatsApp takes, 16 MB, is a little more at this rate."""
RATE, PIECE = 48_000, 960  # samples a second, and of the 20 ms that Opus takes at a time
BITS = 32_000  # a second: speech is clear with it
BARS = 64
_LOOKED_AT = 8  # every eighth sample tells how loud it is
_FILE_BITEXACT: Any = av.container.Flags.bitexact.value
_CODEC_BITEXACT: Any = av.codec.context.Flags.bitexact.value
_DEMUXERS = "matroska,webm,ogg,mov,mp4,wav,w64,aiff,mp3,flac,aac,amr"
"""Files that hold their sound themselves. Playlists, which name others, are not among them."""


class NoSound(Exception):
    """The input is no sound, or the only one who knows how to read it is its maker."""


class TooLong(Exception):
    """There is more of it than goes into a note."""

    status = 4


def rehearse() -> None:
    """Goes through all of it with a silence of our own: the library loads parts of itself when it
    first needs them."""
    av.logging.set_level(None)
    silence = io.BytesIO()
    with wave.open(silence, "wb") as file:
        file.setparams((1, 2, RATE, PIECE, "NONE", ""))
        file.writeframes(bytes(2 * PIECE))
    silence.seek(0)
    voice_note(silence)


def encode(source: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """What is told of the note, and its bytes. Raises NoSound, TooLong."""
    note, seconds, waveform = voice_note(source)
    return {"seconds": seconds, "waveform": waveform.hex()}, note


def voice_note(source: BinaryIO) -> tuple[bytes, int, bytes]:
    """The note, Opus in Ogg, its whole seconds, and how loud it is in BARS steps of 0 to 100. The
    same sound gives the same bytes. Raises NoSound, TooLong."""
    out, loudness, samples = io.BytesIO(), list[float](), 0
    with av.open(out, "w", format="ogg") as note:
        note.flags |= _FILE_BITEXACT  # no serial number by chance
        stream: Any = note.add_stream("libopus", rate=RATE, options={"application": "voip"})
        stream.layout, stream.bit_rate = "mono", BITS
        stream.codec_context.flags |= _CODEC_BITEXACT
        for frame in pieces(source):
            loudness.append(_loudness(frame))
            frame.pts, samples = samples, samples + frame.samples
            note.mux(stream.encode(frame))
            if samples > LONGEST * RATE:
                raise TooLong
        if not samples:
            raise NoSound
        note.mux(stream.encode(None))
    return out.getvalue(), max(1, round(samples / RATE)), bars(loudness)


def pieces(source: BinaryIO) -> Iterator[Any]:
    """The sound in pieces of PIECE samples, mono. What is broken in it is passed over: a browser
    that was closed leaves a last piece in halves. Raises NoSound."""
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE, frame_size=PIECE)
    try:
        with av.open(source, "r", options={"format_whitelist": _DEMUXERS}) as file:
            for frame in _decoded(file):
                frame.pts = None  # a gap in somebody's clock is no silence
                yield from resampler.resample(frame)
    except (FFmpegError, ValueError) as error:
        raise NoSound(str(error)) from error
    yield from resampler.resample(None)


def bars(loudness: list[float]) -> bytes:
    """How loud it is in BARS steps, the loudest of them 100."""
    count = len(loudness)
    edges = [step * count // BARS for step in range(BARS + 1)]
    parts = [loudness[start : max(end, start + 1)] for start, end in pairwise(edges)]
    levels = [sum(part) / len(part) for part in parts]
    loudest = max(levels)
    return bytes(round(100 * level / loudest) if loudest else 0 for level in levels)


def _decoded(file: Any) -> Iterator[Any]:
    film = [one for one in file.streams.video if not one.disposition & Disposition.attached_pic]
    if film or not file.streams.audio:
        raise NoSound
    sound = file.streams.audio[0]
    sound.codec_context.thread_count = 1
    packets = file.demux(sound)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            return
        if packet is None:
            return
        with contextlib.suppress(FFmpegError):
            yield from packet.decode()


def _loudness(frame: Any) -> float:
    samples = memoryview(frame.planes[0]).cast("B").cast("h")[: frame.samples : _LOOKED_AT]
    return sum(map(abs, samples)) / len(samples)
