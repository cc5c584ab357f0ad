"""Small copies of images. Pillow is loaded at the first call, and only processes that run jobs make
one: an image from outside is hostile until its pixels are ours."""

from __future__ import annotations

import io
from dataclasses import dataclass

THUMBNAIL_MIME = "image/webp"
THUMBNAIL_EDGE = 480
"""Pixels of the longer edge; a bubble shows 320, screens have two to each."""
PREVIEW_EDGE = 96
MOST_PIXELS = 40_000_000
"""Larger images are not unpacked: 160 MB in memory. Pillow's own guard is set to the same."""
MOST_BYTES = 32 * 1024 * 1024
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


class NoPicture(Exception):
    """It is no image that we unpack: broken, too large, or of another format."""


@dataclass(frozen=True, slots=True)
class Small:
    """An image's real size in pixels, as it is shown, and two small copies: a WebP for the page, a
    JPEG of a few KB for the phone that waits for the file."""

    width: int
    height: int
    thumbnail: bytes
    preview: bytes


def shrink(content: bytes) -> Small:
    """The small copies of an image file. Raises NoPicture."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as found:
            if found.width * found.height > MOST_PIXELS:
                raise NoPicture("too many pixels")
            full = found.size
            found.draft("RGB", (THUMBNAIL_EDGE * 2, THUMBNAIL_EDGE * 2))
            upright = ImageOps.exif_transpose(found)
            turned = (found.width > found.height) != (upright.width > upright.height)
            small = upright.convert("RGBA")
    except NoPicture:
        raise
    except Exception as error:
        raise NoPicture(type(error).__name__) from error
    small.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
    thumbnail, preview = io.BytesIO(), io.BytesIO()
    small.save(thumbnail, "WEBP", quality=80)
    small.thumbnail((PREVIEW_EDGE, PREVIEW_EDGE))
    ground = Image.new("RGB", small.size, "white")
    ground.paste(small, mask=small)
    ground.save(preview, "JPEG", quality=50)
    width, height = full[::-1] if turned else full
    return Small(width, height, thumbnail.getvalue(), preview.getvalue())
