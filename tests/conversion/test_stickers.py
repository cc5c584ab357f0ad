"""Stickers made of people's pictures, by the program that does it."""

from __future__ import annotations

import io
import subprocess
import zlib

import pytest
from PIL import Image

from app.conversion import program, sticker, sticker_encoder
from app.conversion.sticker import NotAPicture, Sticker, TooHeavy, TooLong, TooManyPixels
from app.core.errors import Invalid
from app.core.media import LIMITS, MediaKind
from tests.conversion.files import file_of
from tests.moving import film_of, moving
from tests.sounds import sound


def made_of(content: bytes) -> Sticker:
    with file_of(content) as file:
        return sticker.sticker_of(file)


def drawn(form: str, size: tuple[int, int] = (200, 100), colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, form)
    return out.getvalue()


def opened(made: Sticker) -> Image.Image:
    image = Image.open(io.BytesIO(made.content))
    assert (image.format, image.size) == ("WEBP", (512, 512))
    return image


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_stands_whole_in_the_middle_of_a_transparent_square(form: str) -> None:
    made = made_of(drawn(form))

    image = opened(made).convert("RGBA")
    assert not made.animated
    assert image.getpixel((256, 10))[3] == image.getpixel((256, 500))[3] == 0  # type: ignore[index]
    for place in ((256, 256), (3, 256), (508, 256), (256, 140)):
        red, green, _, alpha = image.getpixel(place)  # type: ignore[misc]
        assert (red > 200, green < 60, alpha) == (True, True, 255)


def test_what_is_transparent_stays_so() -> None:
    image = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    image.paste((0, 120, 0, 255), (50, 0, 100, 100))
    out = io.BytesIO()
    image.save(out, "PNG")

    shown = opened(made_of(out.getvalue())).convert("RGBA")
    assert shown.getpixel((100, 256))[3] == 0  # type: ignore[index]
    assert shown.getpixel((400, 256))[3] == 255  # type: ignore[index]


def test_a_photo_that_lies_on_its_side_is_put_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    out = io.BytesIO()
    Image.new("RGB", (200, 100), "red").save(out, "JPEG", exif=exif)

    shown = opened(made_of(out.getvalue())).convert("RGBA")
    assert shown.getpixel((256, 10))[3] == 255  # type: ignore[index]
    assert shown.getpixel((10, 256))[3] == 0  # type: ignore[index]


def test_the_finest_picture_fits_into_what_whatsapp_takes() -> None:
    out = io.BytesIO()
    Image.effect_noise((900, 900), 128).convert("RGB").save(out, "PNG")

    assert len(made_of(out.getvalue()).content) <= 100 * 1024


@pytest.mark.parametrize("form", ["GIF", "WEBP"])
def test_what_moves_becomes_a_sticker_that_moves(form: str) -> None:
    made = made_of(moving(form, 6))

    image = opened(made)
    assert made.animated
    assert getattr(image, "n_frames", 1) == 6
    assert image.convert("RGBA").getpixel((256, 20))[3] == 0  # type: ignore[index]
    assert len(made.content) <= sticker.MOST_KB * 1024 == LIMITS[MediaKind.STICKER]


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert made_of(moving()) == made_of(moving())
    assert made_of(drawn("PNG")) == made_of(drawn("PNG"))


def test_a_sticker_moves_for_ten_seconds_at_most() -> None:
    assert sticker.LONGEST_SECONDS * 1000 == sticker_encoder.LONGEST_MS
    with pytest.raises(TooLong):
        made_of(moving("GIF", 6, milliseconds=2000))


def test_what_moves_too_much_is_refused() -> None:
    with pytest.raises(TooHeavy) as refused:
        made_of(moving("GIF", 30, (300, 300), milliseconds=130, noisy=True))

    assert refused.value.code == "sticker_too_heavy"


def test_pictures_shown_too_briefly_are_left_out_and_their_time_is_kept() -> None:
    stills = [sticker_encoder.Still(number, 30) for number in range(10)]

    kept = sticker_encoder.thinned(stills, 50)

    assert [one.image for one in kept] == [0, 2, 4, 6, 8]
    assert {one.milliseconds for one in kept} == {60}


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few KB that would take gigabytes when it is unpacked."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    data = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(60_000, 60_000), (8_000, 8_000)])
def test_a_picture_that_would_fill_the_memory_is_not_unpacked(size: tuple[int, int]) -> None:
    with pytest.raises(TooManyPixels) as refused:
        made_of(bomb(*size))

    assert (refused.value.field, refused.value.code) == ("file", "too_many_pixels")


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"%PDF-1.7", b"<svg/>", b"<html>", drawn("PNG")[:60], sound(), film_of()],
    ids=["nothing", "letter", "pdf", "svg", "html", "beginning", "sound", "film"],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(NotAPicture):
        made_of(content)


def test_what_takes_all_the_time_there_is_counts_as_too_heavy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed = subprocess.CompletedProcess([], -24, b"", b"")  # SIGXCPU
    monkeypatch.setattr(program, "_run", lambda *_: killed)

    with pytest.raises(TooHeavy):
        made_of(b"x")


def test_every_refusal_has_its_words() -> None:
    ends = (sticker_encoder.TooManyPixels, sticker_encoder.TooLong, sticker_encoder.TooHeavy)
    refusals: list[Invalid] = [sticker._refusal(one.status) for one in ends]

    assert [type(one) for one in refusals] == [TooManyPixels, TooLong, TooHeavy]
