"""Whether a GIF moves, as its blocks tell."""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image

from app.core.gifs import moves
from tests.moving import moving


def test_a_gif_of_several_pictures_moves() -> None:
    assert moves(io.BytesIO(moving("GIF", 2)))
    assert moves(io.BytesIO(moving("GIF", 12, noisy=True)))


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_gif_of_one_picture_stands_still(mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (90, 90)).save(out, "GIF", comment=b"holiday")

    assert not moves(io.BytesIO(out.getvalue()))


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"GIF89a" + b"\xff" * 30, b"\x89PNG\r\n\x1a\n" + bytes(40)],
)
def test_what_is_no_gif_does_not_move(content: bytes) -> None:
    assert not moves(io.BytesIO(content))


def test_a_long_row_of_empty_blocks_is_not_followed_for_ever() -> None:
    head = moving("GIF", 2)[:13]
    head = head[:10] + b"\x00" + head[11:]  # no table of colours
    began = time.monotonic()

    assert not moves(io.BytesIO(head + b"\x21\xfe" + b"\x01x" * 3_000_000))
    assert not moves(io.BytesIO(head + b"\x21\xfe\x00" * 3_000_000))
    assert time.monotonic() - began < 8
