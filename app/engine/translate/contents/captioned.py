"""Media that may carry a caption: shown by its name and its caption until media are supported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.engine.events import Content, Unsupported

READERS: dict[str, Callable[[Any], Content | None]] = {
    "imageMessage": lambda value: Unsupported("image", value.caption),
    "videoMessage": lambda value: Unsupported("video", value.caption),
    "documentMessage": lambda value: Unsupported("document", value.caption or value.fileName),
}
