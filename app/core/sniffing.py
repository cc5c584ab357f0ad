"""What a file is, by its first bytes: never by its name or by what somebody says of it."""

from __future__ import annotations

import ctypes.util
import importlib
import threading
from functools import cache
from typing import Any

from app.core.media import UNKNOWN

_SAME = {
    "application/ogg": "audio/ogg",
    "audio/x-m4a": "audio/mp4",
    "audio/x-hx-aac-adts": "audio/aac",
    "audio/x-wav": "audio/wav",
    "audio/x-flac": "audio/flac",
    "application/x-empty": UNKNOWN,
    "inode/x-empty": UNKNOWN,
    "video/3gpp2": "video/3gpp",
    "application/xhtml+xml": "text/html",
}
_lock = threading.Lock()


def mime_of(head: bytes) -> str:
    """The media type of a file that begins with `head` (4 KB are enough), in its usual spelling."""
    with _lock:
        found = str(_magic().from_buffer(head)).lower() if head else UNKNOWN
    return _SAME.get(found, found)


@cache
def _magic() -> Any:
    if ctypes.util.find_library("magic") is None:
        importlib.import_module("pylibmagic")  # puts its copy where the next line looks
    magic = importlib.import_module("magic")
    return magic.Magic(mime=True)
