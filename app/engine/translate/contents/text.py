"""Plain text, with or without a link preview, a quotation or mentions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.engine.events import Content, Text, Unsupported


def _text(value: str) -> Content:
    return Text(value) if value else Unsupported("empty")


READERS: dict[str, Callable[[Any], Content | None]] = {
    "conversation": _text,
    "extendedTextMessage": lambda value: _text(value.text),
}
