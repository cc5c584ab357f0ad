"""Stickers: a picture in the one form that phones show without a bubble around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from app.conversion.program import TOO_MUCH, Refused, made_by
from app.core.errors import Invalid
from app.core.texts import N_

MIME = "image/webp"
EDGE = 512
LONGEST_SECONDS = 10
MOST_KB = 500
# As sticker_encoder.py ends.
_TOO_MANY_PIXELS, _TOO_LONG, _TOO_HEAVY = 4, 5, 6


class NotAPicture(Invalid):
    """The file is no picture, or none that can be read."""

    code = "not_a_picture"
    message = N_("A sticker is made of a PNG, JPEG, WebP or GIF picture. This file is none.")


class TooManyPixels(Invalid):
    """The picture takes too much memory when it is unpacked."""

    code = "too_many_pixels"
    message = N_("This picture has more than 40 megapixels: make it smaller first.")


class TooLong(Invalid):
    """The picture moves for longer than a sticker may."""

    code = "sticker_too_long"
    message = N_("A sticker may move for at most %(count)d seconds. Send it as a GIF instead.")


class TooHeavy(Invalid):
    """What moves in it cannot be said in as few bytes as WhatsApp takes."""

    code = "sticker_too_heavy"
    message = N_(
        "Too much moves in this picture: WhatsApp takes stickers up to %(count)d KB. Send it as a "
        "GIF instead."
    )


@dataclass(frozen=True, slots=True)
class Sticker:
    """A WebP of EDGE by EDGE pixels, and whether it moves."""

    content: bytes
    animated: bool


def sticker_of(picture: BinaryIO) -> Sticker:
    """The sticker of a picture, the same for the same picture. `picture` is a real file, which is
    read from where it stands. Raises NotAPicture, TooManyPixels, TooLong, TooHeavy (of the field
    `file`), Busy."""
    try:
        made = made_by("sticker_encoder", picture)
    except Refused as refused:
        raise _refusal(refused.status) from refused
    return Sticker(made.content, made.told["animated"])


def _refusal(status: int) -> Invalid:
    if status == _TOO_MANY_PIXELS:
        return TooManyPixels(field="file")
    if status == _TOO_LONG:
        return TooLong(field="file", count=LONGEST_SECONDS)
    if status in {_TOO_HEAVY, TOO_MUCH}:
        return TooHeavy(field="file", count=MOST_KB)
    return NotAPicture(field="file")
