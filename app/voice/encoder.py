"""A program: reads a sound from its input and writes the voice note that WhatsApp takes of it.

The decoders are written in C and are given what strangers made. So they run here, in a process that
holds nothing but the sound: run by its path, for it is to load none of the product. Before it looks
at its input it gives up what it could do harm with: it cannot open a file or a connection any more,
nor take much memory or time.

Its answer is a line of JSON, `seconds` and `waveform` (in hexadecimal), and after it the bytes of
the note; or nothing, and the status says why.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import sys
import wave
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, BinaryIO

import av
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from av.stream import Disposition

NO_SOUND, TOO_LONG = 3, 4
"""How it ends with what holds no sound, or more than LONGEST seconds of it."""
LONGEST = 3600
"""Seconds of a note: what WhatsApp takes, 16 MB, is a little more at this rate."""
CPU_SECONDS = 60
MEMORY = 1024 * 1024 * 1024
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


def lock_up() -> None:
    """Gives up files, connections, memory and time, for good."""
    _rehearse()
    limits = {
        resource.RLIMIT_NOFILE: 3,  # those that are open stay so, and there is no other
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_CORE: 0,
    }
    for what, limit in limits.items():
        hard = resource.getrlimit(what)[1]
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with contextlib.suppress(ValueError, OSError):  # a system that does not know this one
            resource.setrlimit(what, (least, least))


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


def _rehearse() -> None:
    """Goes through all of it with a silence of our own: the library loads parts of itself when it
    first needs them."""
    silence = io.BytesIO()
    with wave.open(silence, "wb") as file:
        file.setparams((1, 2, RATE, PIECE, "NONE", ""))
        file.writeframes(bytes(2 * PIECE))
    silence.seek(0)
    voice_note(silence)


def _loudness(frame: Any) -> float:
    samples = memoryview(frame.planes[0]).cast("B").cast("h")[: frame.samples : _LOOKED_AT]
    return sum(map(abs, samples)) / len(samples)


def main() -> None:
    """Turns the sound on standard input into a note on standard output."""
    av.logging.set_level(None)
    os.nice(5)  # pages are answered first
    lock_up()
    try:
        note, seconds, waveform = voice_note(sys.stdin.buffer)
    except TooLong:
        sys.exit(TOO_LONG)
    except Exception as error:  # whatever the bytes of strangers bring about
        sys.stderr.write(repr(error))
        sys.exit(NO_SOUND)
    head = {"seconds": seconds, "waveform": waveform.hex()}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + note)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
