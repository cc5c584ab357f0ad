"""Small copies of images, and images that must not be unpacked."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from app.core.pictures import PREVIEW_EDGE, THUMBNAIL_EDGE, NoPicture, shrink
from app.core.sniffing import mime_of
from tests.core.test_sniffing import picture


def image(form: str, size: tuple[int, int], **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, form, **options)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that says it has this many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_image_gets_a_thumbnail_and_a_preview(form: str) -> None:
    small = shrink(image(form, (1200, 600)))

    assert (small.width, small.height) == (1200, 600)
    assert mime_of(small.thumbnail) == "image/webp"
    assert Image.open(io.BytesIO(small.thumbnail)).size == (THUMBNAIL_EDGE, THUMBNAIL_EDGE // 2)
    assert mime_of(small.preview) == "image/jpeg"
    assert max(Image.open(io.BytesIO(small.preview)).size) == PREVIEW_EDGE


def test_small_image_is_not_blown_up() -> None:
    assert Image.open(io.BytesIO(shrink(picture("PNG")).thumbnail)).size == (8, 8)


def test_what_is_transparent_stays_so_in_the_thumbnail() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (64, 64), (255, 0, 0, 90)).save(out, "PNG")

    small = shrink(out.getvalue())

    assert Image.open(io.BytesIO(small.thumbnail)).mode == "RGBA"


def test_photo_taken_upright_is_shown_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter

    small = shrink(image("JPEG", (1000, 500), exif=exif))

    assert (small.width, small.height) == (500, 1000)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an image",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        bomb(50_000, 50_000),
        bomb(7_000, 7_000),
        picture("JPEG")[:100],
        picture("PNG")[:40],
    ],
)
def test_what_cannot_be_unpacked_safely_is_no_picture(content: bytes) -> None:
    with pytest.raises(NoPicture):
        shrink(content)
