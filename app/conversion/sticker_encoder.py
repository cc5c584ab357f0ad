"""An encoder for confined.py: reads a picture and writes the sticker that WhatsApp takes of it.

A WebP of 512 by 512 pixels, the picture whole in its middle, what is around it transparent: 100 KB
at most, or 500 KB and 10 seconds where it moves (github.com/WhatsApp/stickers, README). It tells
`animated`. The same picture gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from PIL import Image, ImageOps, ImageSequence

EDGE = 512
STILL_BYTES, MOVING_BYTES = 100 * 1024, 500 * 1024
LONGEST_MS = 10_000
MOST_PIXELS = 40_000_000
"""As for thumbnails (core/pictures.py): 160 MB in memory."""
MOST_STILLS = 1000
"""Frames of a moving picture that are looked at; 10 s have 500 of the shortest."""
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_QUALITIES = (90, 75, 60, 45, 30, 15, 5)
_TRIES = ((20, 75), (15, 60), (12, 40), (10, 25), (8, 10))
"""Stills a second, at most, and quality."""
_SHORTEST_MS, _USUAL_MS = 20, 100  # browsers show what is shorter for as long as the second says


class NoPicture(Exception):
    """The input is no picture of a kind that is read here, or is broken."""


class TooManyPixels(Exception):
    """It is not unpacked: it would take too much memory."""

    status = 4


class TooLong(Exception):
    """It moves for longer than a sticker may."""

    status = 5


class TooHeavy(Exception):
    """Nothing makes it small enough."""

    status = 6


@dataclass(slots=True)
class Still:
    """One picture of a moving one, and for how long it is shown."""

    image: Any
    milliseconds: int


def rehearse() -> None:
    """Goes through all of it with pictures of our own: the library loads parts of itself when it
    first needs them."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    stills = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for form in _FORMATS:
        drawn = io.BytesIO()
        more: dict[str, Any] = {"save_all": True, "append_images": stills[1:], "duration": 100}
        stills[0].save(drawn, form, **({} if form == "JPEG" else more))
        drawn.seek(0)
        sticker(drawn)


def encode(source: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """What is told of the sticker, and its bytes. Raises as sticker does."""
    content, animated = sticker(source)
    return {"animated": animated}, content


def sticker(source: BinaryIO) -> tuple[bytes, bool]:
    """The sticker, and whether it moves. Raises NoPicture, TooManyPixels, TooLong, TooHeavy."""
    try:
        with Image.open(source, formats=_FORMATS) as found:
            if found.width * found.height > MOST_PIXELS:
                raise TooManyPixels
            if not getattr(found, "is_animated", False):
                return _still(_placed(ImageOps.exif_transpose(found))), False
            stills = list(_stills(found))
    except Image.DecompressionBombError as error:
        raise TooManyPixels from error
    except (OSError, SyntaxError, ValueError) as error:
        raise NoPicture(str(error)) from error
    return _moving(stills), True


def _stills(found: Any) -> Iterator[Still]:
    """The pictures that it consists of, as stickers. Raises TooLong."""
    total = 0
    for number, frame in enumerate(ImageSequence.Iterator(found)):
        told = frame.info.get("duration") or 0
        shown = round(told) if told >= _SHORTEST_MS else _USUAL_MS
        total += shown
        if total > LONGEST_MS or number >= MOST_STILLS:
            raise TooLong
        yield Still(_placed(frame), shown)


def _placed(image: Any) -> Any:
    """The picture as large as it can be in the middle of a transparent square."""
    fitted = ImageOps.contain(image.convert("RGBA"), (EDGE, EDGE), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (EDGE, EDGE), (0, 0, 0, 0))
    square.paste(fitted, ((EDGE - fitted.width) // 2, (EDGE - fitted.height) // 2))
    return square


def _still(square: Any) -> bytes:
    for quality in _QUALITIES:
        out = io.BytesIO()
        square.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= STILL_BYTES:
            return out.getvalue()
    raise TooHeavy


def _moving(stills: list[Still]) -> bytes:
    for a_second, quality in _TRIES:
        kept = thinned(stills, 1000 // a_second)
        out = io.BytesIO()
        kept[0].image.save(
            out,
            "WEBP",
            save_all=True,
            append_images=[one.image for one in kept[1:]],
            duration=[one.milliseconds for one in kept],
            loop=0,
            quality=quality,
            method=2,
        )
        if out.tell() <= MOVING_BYTES:
            return out.getvalue()
    raise TooHeavy


def thinned(stills: list[Still], least: int) -> list[Still]:
    """Those that are shown, where each is to be shown for `least` milliseconds: the first of those
    that share such a time stands for it."""
    kept: list[Still] = []
    for still in stills:
        if kept and kept[-1].milliseconds < least:
            kept[-1] = Still(kept[-1].image, kept[-1].milliseconds + still.milliseconds)
        else:
            kept.append(still)
    return kept
