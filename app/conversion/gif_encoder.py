"""An encoder for confined.py: reads an animated GIF, or a short video, and writes what WhatsApp
shows as a GIF: a video without a sound that plays over and over (MP4, H.264, yuv420p).

It tells `width`, `height`, whole `seconds`, and `still`: its first picture, a JPEG in Base64.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, BinaryIO

import av
from av.error import FFmpegError
from av.stream import Disposition
from PIL import Image

LONGEST = 60
"""Seconds."""
EDGE = 720
"""Pixels of the longer edge: a phone shows about as many."""
LEAST_EDGE = 16
MOST_PIXELS = 16_000_000
RATE = 30
"""Pictures a second; what changes more rarely costs next to nothing."""
_DEMUXERS = "gif,mov,mp4,matroska,webm"
"""Files that hold their pictures themselves. Playlists, which name others, are not among them."""
_QUALITY = {"preset": "veryfast", "crf": "26", "threads": "1"}
_TURNS = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}
_USUAL_SECONDS = 0.1  # of a last picture that does not say how long it is shown


class NoFilm(Exception):
    """The input has no pictures, or is broken."""


class TooManyPixels(Exception):
    """It is not unpacked: it would take too much memory."""

    status = 4


class TooLong(Exception):
    """It plays for longer than LONGEST."""

    status = 5


def rehearse() -> None:
    """Goes through all of it with a GIF and a film of our own: the library loads parts of itself
    when it first needs them."""
    av.logging.set_level(None)
    drawn = io.BytesIO()
    stills = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    stills[0].save(drawn, "GIF", save_all=True, append_images=stills[1:], duration=100)
    drawn.seek(0)
    _, content = encode(drawn)
    encode(io.BytesIO(content))


def encode(source: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """What is told of the film, and its bytes. Raises NoFilm, TooManyPixels, TooLong."""
    out, count, first = io.BytesIO(), 0, None
    with av.open(out, "w", format="mp4") as film:
        stream: Any = None
        for frame in evenly(pictures(source)):
            if first is None:
                first, (width, height) = frame, size_of(frame)
                stream = film.add_stream("libx264", rate=RATE, options=_QUALITY)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            shown = frame.reformat(width, height, "yuv420p")
            shown.pts, count = count, count + 1
            shown.time_base = Fraction(1, RATE)
            film.mux(stream.encode(shown))
        if first is None:
            raise NoFilm
        film.mux(stream.encode(None))
    told = {"width": width, "height": height, "seconds": max(1, round(count / RATE))}
    return told | {"still": _still(first, width, height)}, out.getvalue()


def pictures(source: BinaryIO) -> Iterator[tuple[float, float, Any]]:
    """From when on, for how long (0: it does not say), and what is to be seen. What is broken in
    the file ends it. Raises NoFilm, TooManyPixels."""
    try:
        with av.open(source, "r", options={"format_whitelist": _DEMUXERS}) as file:
            stream = _film_in(file)
            for frame in _decoded(file, stream):
                if frame.width * frame.height > MOST_PIXELS:
                    raise TooManyPixels
                lasts = float(frame.duration * frame.time_base) if frame.duration else 0.0
                yield frame.time or 0.0, lasts, _upright(frame)
    except (FFmpegError, ValueError, MemoryError) as error:
        raise NoFilm(repr(error)) from error


def evenly(shown: Iterator[tuple[float, float, Any]]) -> Iterator[Any]:
    """The pictures RATE times a second. Raises TooLong."""
    begin, given, last, until = None, 0, None, 0.0
    for at, lasts, frame in shown:
        begin = at if begin is None else begin
        at -= begin
        if last is not None:
            _check(at)
            while given / RATE < at - 1e-6:
                yield last
                given += 1
        last, until = frame, at + (lasts or _USUAL_SECONDS)
    _check(until)
    while last is not None and (given / RATE < until - 1e-6 or not given):
        yield last
        given += 1


def size_of(frame: Any) -> tuple[int, int]:
    """Width and height of the film: even, as H.264 wants them, EDGE at most."""
    scale = min(1.0, EDGE / max(frame.width, frame.height))
    width, height = (
        max(LEAST_EDGE, round(edge * scale / 2) * 2) for edge in (frame.width, frame.height)
    )
    return width, height


def _check(seconds: float) -> None:
    if seconds > LONGEST:
        raise TooLong


def _film_in(file: Any) -> Any:
    films = [one for one in file.streams.video if not one.disposition & Disposition.attached_pic]
    if not films:
        raise NoFilm
    film = films[0]
    if film.codec_context.width * film.codec_context.height > MOST_PIXELS:
        raise TooManyPixels
    film.codec_context.thread_count = 1
    return film


def _decoded(file: Any, stream: Any) -> Iterator[Any]:
    frames = file.decode(stream)
    seen = False
    while True:
        try:
            frame = next(frames, None)
        except FFmpegError:
            if not seen:
                raise
            return
        if frame is None:
            return
        seen = True
        yield frame


def _upright(frame: Any) -> Any:
    """The picture as it is meant to be seen: phones write videos lying, and say so."""
    turn = _TURNS.get(round(frame.rotation) % 360)
    if turn is None:
        return frame
    frames: Any = av.VideoFrame
    return frames.from_image(frame.to_image().transpose(turn))


def _still(frame: Any, width: int, height: int) -> str:
    drawn = io.BytesIO()
    frame.reformat(width, height, "rgb24").to_image().save(drawn, "JPEG", quality=80)
    return base64.b64encode(drawn.getvalue()).decode()
