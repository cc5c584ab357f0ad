"""Images, videos, audio, documents and stickers: what is said of them, and where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.core.media import FileFacts, MediaKind, RemoteFile
from app.engine.events import ON_THE_PHONE, Content, File, Unsupported

_LARGEST = 2**31 - 1  # the columns are of 32 bits, and a sender may claim anything
_LARGEST_SIZE = 2**40


def _file(kind: MediaKind, value: Any, *, name: str = "") -> Content:
    if _told(value, "viewOnce"):
        return Unsupported(ON_THE_PHONE)
    facts = FileFacts(
        kind=kind,
        file_name=name,
        mime=value.mimetype,
        size=_number(value.fileLength, _LARGEST_SIZE),
        sha256=value.fileSHA256.hex(),
        width=_number(_told(value, "width")),
        height=_number(_told(value, "height")),
        seconds=_number(_told(value, "seconds")),
        waveform=_told(value, "waveform") or b"",
        animated=bool(_told(value, "isAnimated")),
    )
    return File(facts, _told(value, "caption") or "", _remote(value))


def _remote(value: Any) -> RemoteFile | None:
    if not value.directPath or not value.mediaKey:
        return None
    return RemoteFile(value.directPath, value.mediaKey, value.fileEncSHA256)


def _told(value: Any, field: str) -> Any:
    """A field that not every kind has."""
    return getattr(value, field, None)


def _number(told: int | None, largest: int = _LARGEST) -> int | None:
    return told if told and told <= largest else None


def _video(value: Any) -> Content:
    return _file(MediaKind.GIF if value.gifPlayback else MediaKind.VIDEO, value)


def _audio(value: Any) -> Content:
    return _file(MediaKind.VOICE if value.PTT else MediaKind.AUDIO, value)


READERS: dict[str, Callable[[Any], Content | None]] = {
    "imageMessage": lambda value: _file(MediaKind.IMAGE, value),
    "videoMessage": _video,
    "ptvMessage": _video,  # a video note, shown as a circle on phones
    "audioMessage": _audio,
    "documentMessage": lambda value: _file(
        MediaKind.DOCUMENT, value, name=value.fileName or value.title
    ),
    "stickerMessage": lambda value: _file(MediaKind.STICKER, value),
}
