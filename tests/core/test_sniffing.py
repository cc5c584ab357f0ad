"""What a file is, by its bytes."""

from __future__ import annotations

import io
import struct
import wave
import zipfile

import pytest
from PIL import Image

from app.core.sniffing import UNKNOWN, mime_of


def picture(form: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, form)
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "x")
    return out.getvalue()


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 8, "NONE", ""))
        file.writeframes(bytes(16))
    return out.getvalue()


MP4 = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 512, b"isom", b"mp42") + bytes(64)
OGG = b"OggS\0\2" + bytes(8) + b"abcd" + bytes(4) + b"crc0" + b"\1\x13" + b"OpusHead\1\1" + bytes(9)


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (picture("JPEG"), "image/jpeg"),
        (picture("PNG"), "image/png"),
        (picture("GIF"), "image/gif"),
        (picture("WEBP"), "image/webp"),
        (zipped(), "application/zip"),
        (sound(), "audio/wav"),
        (MP4, "video/mp4"),
        (OGG, "audio/ogg"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"<!doctype html><script>alert(1)</script>", "text/html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "image/svg+xml"),
        ("Привет".encode(), "text/plain"),
        (b"", UNKNOWN),
        (b"\x01\x80\xfe" * 20, UNKNOWN),
    ],
)
def test_first_bytes_tell_what_a_file_is(head: bytes, mime: str) -> None:
    assert mime_of(head) == mime
