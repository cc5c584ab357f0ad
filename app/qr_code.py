"""Draws QR codes."""

from __future__ import annotations

import io

import qrcode
from qrcode.image.svg import SvgPathImage


def svg_of(text: str) -> str:
    """`text` as an <svg> element: one path, with the four modules of quiet zone scanners want."""
    buffer = io.BytesIO()
    qrcode.make(text, image_factory=SvgPathImage, border=4).save(buffer)
    drawing = buffer.getvalue().decode()
    return drawing[drawing.index("<svg") :]
