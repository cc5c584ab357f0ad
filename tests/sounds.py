"""Sounds as browsers and programs make them."""

from __future__ import annotations

import io
import math
from array import array
from functools import cache
from typing import Any

import av

RATE = 48_000
FORMS = {
    "webm": "libopus",  # Chrome
    "ogg": "libopus",  # Firefox
    "mp4": "aac",  # Safari
    "wav": "pcm_s16le",
    "mp3": "libmp3lame",
    "flac": "flac",
}


@cache
def sound(
    form: str = "wav", seconds: float = 2, *, layout: str = "mono", fades: bool = False
) -> bytes:
    """A tone in a file of this form; with `fades` it begins aloud and ends in silence."""
    out, channels = io.BytesIO(), 2 if layout == "stereo" else 1
    total = round(seconds * RATE)
    with av.open(out, "w", format=form) as file:
        stream: Any = file.add_stream(FORMS[form], rate=RATE)
        stream.layout = layout
        for start in range(0, total, 960):
            count = min(960, total - start)
            frame = av.AudioFrame(format="s16", layout=layout, samples=count)
            loud = 1 - start / total if fades else 1
            tone = (int(9000 * loud * math.sin((start + n) / 20)) for n in range(count))
            frame.planes[0].update(
                array("h", (one for one in tone for _ in range(channels))).tobytes()
            )
            frame.sample_rate, frame.pts = RATE, start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


def film() -> bytes:
    """A video with a picture that moves, and no sound."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream: Any = file.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        for _ in range(10):
            frame = av.VideoFrame(64, 64, "yuv420p")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()
