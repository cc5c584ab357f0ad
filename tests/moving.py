"""Pictures that move, and films, as programs make them."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import av
from PIL import Image, ImageDraw


@cache
def moving(
    form: str = "GIF",
    stills: int = 4,
    size: tuple[int, int] = (120, 80),
    *,
    milliseconds: int = 250,
    noisy: bool = False,
) -> bytes:
    """A dot that wanders over a transparent ground; where it is `noisy`, snow."""
    drawn = [_snow(size) if noisy else _dot(number, size) for number in range(stills)]
    out = io.BytesIO()
    more: dict[str, Any] = {"duration": milliseconds, "loop": 0}
    if form == "GIF":
        more["disposal"] = 2
    drawn[0].save(out, form, save_all=True, append_images=drawn[1:], **more)
    return out.getvalue()


def _dot(number: int, size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    left = number * 7 % max(size[0] // 2, 1)
    ImageDraw.Draw(image).ellipse((left, 10, left + size[0] // 3, 60), fill=(220, 40, 40, 255))
    return image


def _snow(size: tuple[int, int]) -> Image.Image:
    return Image.effect_noise(size, 100).convert("RGB")


@cache
def film_of(
    seconds: int = 2, size: tuple[int, int] = (64, 48), *, sounds: bool = False, turn: int = 0
) -> bytes:
    """A video, with a sound where it `sounds`, that is to be shown turned by `turn` degrees."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as file:
        stream: Any = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        if turn:
            stream.set_display_rotation(turn)
        voice: Any = file.add_stream("aac", rate=48_000) if sounds else None
        if voice is not None:
            voice.layout = "mono"
        for _ in range(seconds * 10):
            file.mux(stream.encode(av.VideoFrame(*size, "yuv420p")))
        file.mux(stream.encode(None))
        if voice is not None:
            for start in range(0, 48_000, 960):
                frame = av.AudioFrame(format="s16", layout="mono", samples=960)
                frame.sample_rate, frame.pts = 48_000, start
                file.mux(voice.encode(frame))
            file.mux(voice.encode(None))
    return out.getvalue()
