"""The little picture a phone puts into the message itself, and the size of a picture."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

_EDGE = 100  # pixels
_QUALITY = 50


@dataclass(frozen=True, slots=True)
class Look:
    """Width and height in pixels, and a small JPEG."""

    width: int
    height: int
    thumbnail: bytes


def look_of(file: Path) -> Look | None:
    """Return how a picture looks; None when the file cannot be read as one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as picture:
                width, height = picture.size
                picture.draft("RGB", (_EDGE, _EDGE))
                small = picture.convert("RGB")
        small.thumbnail((_EDGE, _EDGE))
        return Look(width, height, _jpeg(small))
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError):
        return None


def still() -> bytes:
    """Return what stands for the first picture of a video, which is not decoded here."""
    return _jpeg(Image.new("RGB", (_EDGE, _EDGE * 9 // 16), (60, 72, 88)))


def _jpeg(picture: Image.Image) -> bytes:
    body = io.BytesIO()
    picture.save(body, "JPEG", quality=_QUALITY)
    return body.getvalue()
