"""Small files that contacts send, made when they are needed: nothing binary lies in the project."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw

from app.sandbox.media.attachments import Attachment


@dataclass(frozen=True, slots=True)
class Sample:
    """What is said of a file, and the file itself."""

    attachment: Attachment
    content: Callable[[], bytes]


def picture() -> bytes:
    """Return a JPEG of hills under the sun, 640 by 480."""
    image = Image.new("RGB", (640, 480), (150, 200, 235))
    draw = ImageDraw.Draw(image)
    draw.ellipse((450, 50, 550, 150), fill=(255, 220, 90))
    for left, top, colour in ((-200, 260, (90, 150, 90)), (150, 310, (70, 130, 80))):
        draw.ellipse((left, top, left + 800, top + 700), fill=colour)
    body = io.BytesIO()
    image.save(body, "JPEG", quality=80)
    return body.getvalue()


def voice(seconds: int) -> bytes:
    """Return a voice note without a sound: Opus in Ogg (RFC 7845, RFC 3533), mono."""
    packets_per_second, samples_per_packet = 50, 960
    silence = b"\xf8\xff\xfe"  # one packet of 20 ms
    head = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 312, 48000, 0, 0)
    vendor = b"sandbox"
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
    pages = [_ogg_page([head], 0, 0, 2), _ogg_page([tags], 1, 0, 0)]
    for second in range(1, seconds + 1):
        position = second * packets_per_second * samples_per_packet
        last = 4 if second == seconds else 0
        pages.append(_ogg_page([silence] * packets_per_second, second + 1, position, last))
    return b"".join(pages)


def _ogg_page(packets: list[bytes], number: int, position: int, flags: int) -> bytes:
    """Return a page of packets that are shorter than 255 bytes each."""
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, position, 1, number, 0, len(packets))
    page = head + bytes(map(len, packets)) + b"".join(packets)
    return page[:22] + struct.pack("<I", _ogg_checksum(page)) + page[26:]


def _ogg_checksum(page: bytes) -> int:
    """Return the CRC-32 of RFC 3533: not reflected, begun with 0."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x104C11DB7 if value & 0x80000000 else 0)
    return value


def document() -> bytes:
    """Return a PDF of one page."""
    text = b"BT /F1 24 Tf 72 740 Td (Price list) Tj 0 -40 Td /F1 14 Tf (Tea 100, coffee 150) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (count, table, count, len(body))
    )


_VOICE_SECONDS = 3
PICTURE = Sample(Attachment("image", caption="Вид из окна"), picture)
VOICE = Sample(
    Attachment("voice", seconds=_VOICE_SECONDS),
    lambda: voice(_VOICE_SECONDS),
)
DOCUMENT = Sample(
    Attachment("document", "application/pdf", "Наш прайс", "Прайс-лист.pdf"),
    document,
)
