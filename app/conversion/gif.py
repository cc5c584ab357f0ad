"""GIFs as WhatsApp has them: short videos without a sound, made of animated GIFs and of videos."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import BinaryIO

from app.conversion.program import TOO_MUCH, Refused, made_by

MIME = "video/mp4"
LONGEST_SECONDS = 60
# As gif_encoder.py ends.
_SLUGS = {TOO_MUCH: "gif_too_long", 4: "gif_too_many_pixels", 5: "gif_too_long"}
_UNREADABLE = "gif_unreadable"


class NoGif(Exception):
    """Nothing can be made of the file. `slug` says why."""

    def __init__(self, slug: str):
        super().__init__(slug)
        self.slug = slug


@dataclass(frozen=True, slots=True)
class Gif:
    """The video, its size in pixels, its whole seconds, and its first picture, a JPEG."""

    content: bytes
    width: int
    height: int
    seconds: int
    still: bytes


def gif_of(film: BinaryIO) -> Gif:
    """What WhatsApp shows as a GIF, of an animated GIF or a video. `film` is a real file, which is
    read from where it stands. Raises NoGif, Busy."""
    try:
        made = made_by("gif_encoder", film)
    except Refused as refused:
        raise NoGif(_SLUGS.get(refused.status, _UNREADABLE)) from refused
    told = made.told
    still = base64.b64decode(told["still"])
    return Gif(made.content, told["width"], told["height"], told["seconds"], still)
