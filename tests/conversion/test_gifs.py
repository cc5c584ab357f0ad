"""GIFs as WhatsApp has them, made of animated GIFs and of videos by the program that does it."""

from __future__ import annotations

import io
from typing import Any

import av
import pytest
from PIL import Image

from app.conversion import gif, gif_encoder
from app.conversion.gif import Gif, NoGif
from tests.conversion.files import file_of
from tests.conversion.test_stickers import bomb
from tests.moving import film_of, moving
from tests.sounds import sound


def made_of(content: bytes) -> Gif:
    with file_of(content) as file:
        return gif.gif_of(file)


def look(made: Gif) -> tuple[Any, list[Any]]:
    """The stream of the film, which is its only one, and its pictures."""
    with av.open(io.BytesIO(made.content)) as file:
        (stream,) = file.streams
        frames = list(file.decode(stream))  # type: ignore[arg-type]
        codec: Any = stream.codec_context
        assert "mp4" in file.format.name
        assert (codec.name, codec.pix_fmt) == ("h264", "yuv420p")
        assert (codec.width, codec.height) == (made.width, made.height)
        return stream, frames


def test_an_animated_gif_becomes_h264_without_a_sound() -> None:
    made = made_of(moving("GIF", 8, (121, 79)))

    _, frames = look(made)
    assert (made.width, made.height, made.seconds) == (120, 80, 2)
    assert abs(len(frames) / gif_encoder.RATE - 2) < 0.1
    with Image.open(io.BytesIO(made.still)) as still:
        assert (still.format, still.size) == ("JPEG", (120, 80))


def test_every_picture_is_shown_for_as_long_as_it_says() -> None:
    stills = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    stills[0].save(out, "GIF", save_all=True, append_images=stills[1:], duration=[1000, 3000])

    made = made_of(out.getvalue())

    _, frames = look(made)
    assert made.seconds == 4
    reds = [frame.to_image().getpixel((32, 32))[0] > 128 for frame in frames]
    assert abs(reds.count(True) - gif_encoder.RATE) <= 1
    assert reds == sorted(reds, reverse=True)


def test_a_large_one_is_made_smaller() -> None:
    made = made_of(moving("GIF", 2, (1500, 1000)))

    assert (made.width, made.height) == (720, 480)
    look(made)


def test_a_tiny_one_is_still_a_film() -> None:
    look(made_of(moving("GIF", 2, (1, 1))))


def test_a_video_loses_its_sound() -> None:
    made = made_of(film_of(3, sounds=True))

    look(made)
    assert made.seconds == 3


@pytest.mark.parametrize("turn", [90, 270])
def test_a_video_that_lies_on_its_side_is_put_upright(turn: int) -> None:
    made = made_of(film_of(1, (64, 48), turn=turn))

    assert (made.width, made.height) == (48, 64)


def test_more_than_a_minute_is_refused() -> None:
    assert gif_encoder.LONGEST == gif.LONGEST_SECONDS
    with pytest.raises(NoGif) as refused:
        made_of(moving("GIF", 5, milliseconds=20_000))
    assert refused.value.slug == "gif_too_long"
    assert gif._SLUGS[gif_encoder.TooLong.status] == "gif_too_long"


@pytest.mark.parametrize(
    ("edge", "slug"), [(5_000, "gif_too_many_pixels"), (65_535, "gif_unreadable")]
)
def test_one_that_would_fill_the_memory_is_not_unpacked(edge: int, slug: str) -> None:
    content = bytearray(moving("GIF", 3))
    content[6:10] = edge.to_bytes(2, "little") * 2
    with pytest.raises(NoGif) as refused:
        made_of(bytes(content))
    assert refused.value.slug == slug
    assert gif._SLUGS[gif_encoder.TooManyPixels.status] == "gif_too_many_pixels"


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"<html>", b"#EXTM3U\n/etc/passwd\n", sound("mp4"), bomb(9000, 9000)],
    ids=["nothing", "beginning", "html", "playlist", "sound", "png"],
)
def test_what_is_no_film_is_refused(content: bytes) -> None:
    with pytest.raises(NoGif) as refused:
        made_of(content)

    assert refused.value.slug == "gif_unreadable"


def test_one_that_breaks_off_is_kept_as_far_as_it_goes() -> None:
    whole = moving("GIF", 30, (400, 300))

    made = made_of(whole[: len(whole) // 2])

    assert 1 <= made.seconds < 7
