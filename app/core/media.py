"""Files in messages: their kinds, WhatsApp's limits, safe names, and how they are served."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

MIB = 1024 * 1024
UNKNOWN = "application/octet-stream"
"""The type of a file of which nothing better is known, or told."""


class MediaKind(StrEnum):
    """How WhatsApp treats a file. A GIF is a short video without sound, a voice note an audio that
    was spoken into the phone."""

    IMAGE = "image"
    VIDEO = "video"
    GIF = "gif"
    AUDIO = "audio"
    VOICE = "voice"
    DOCUMENT = "document"
    STICKER = "sticker"


class MediaState(StrEnum):
    """How far a file has come. EXPIRED: WhatsApp has deleted it, no try will bring it. MAKING: one
    of ours that is still to be made of what was uploaded."""

    WAITING = "waiting"
    FETCHING = "fetching"
    STORED = "stored"
    FAILED = "failed"
    EXPIRED = "expired"
    MAKING = "making"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is said of a file: by its sender, or by us who have it. "" and None: nothing is.

    size: bytes of the plain file; sha256: of the same, in hex; width, height: pixels;
    waveform: how loud a voice note is, in 64 steps of 0 to 100; animated: whether a sticker moves.
    """

    kind: MediaKind
    file_name: str = ""
    mime: str = ""
    size: int | None = None
    sha256: str = ""
    width: int | None = None
    height: int | None = None
    seconds: int | None = None
    waveform: bytes = b""
    animated: bool = False


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """Where WhatsApp keeps an encrypted file, and what opens it."""

    direct_path: str
    media_key: bytes
    encrypted_sha256: bytes


LIMITS = {
    MediaKind.IMAGE: 16 * MIB,
    MediaKind.VIDEO: 64 * MIB,
    MediaKind.GIF: 64 * MIB,
    MediaKind.AUDIO: 16 * MIB,
    MediaKind.VOICE: 16 * MIB,
    MediaKind.STICKER: 500 * 1024,
    MediaKind.DOCUMENT: 2048 * MIB,
}
"""Bytes that WhatsApp takes, by kind. What is larger goes as a document.

WhatsApp publishes no table for the app itself: 2 GB for documents and 16 to 64 MB for what plays in
the chat are what its help and those who tried report (usecarly.com/blog/whatsapp-file-size-limit,
help.chatdaddy.tech/article/file-size-limitation). Meta's own Cloud API is stricter: images 5 MB,
audio and video 16 MB, documents 100 MB, stickers 500 KB
(docs.aws.amazon.com/social-messaging/latest/userguide/supported-media-types.html).
"""

_SENT_AS = {
    "image/jpeg": MediaKind.IMAGE,
    "image/png": MediaKind.IMAGE,
    "video/mp4": MediaKind.VIDEO,
    "video/3gpp": MediaKind.VIDEO,
    "audio/mpeg": MediaKind.AUDIO,
    "audio/mp4": MediaKind.AUDIO,
    "audio/aac": MediaKind.AUDIO,
    "audio/amr": MediaKind.AUDIO,
    "audio/ogg": MediaKind.AUDIO,
}
"""What phones can show or play (the same table of Meta's); anything else goes as a document."""
_RUN = ("html", "xml", "svg", "script")
INLINE = frozenset(
    {
        *_SENT_AS,
        *("image/gif", "image/webp", "video/webm", "video/quicktime"),
        *("audio/wav", "audio/webm", "audio/flac"),
    }
)
"""What a page may show in place: pixels and sound. Nothing here can carry a script."""

NAME_BYTES = 200
"""A name's length in UTF-8; file systems take 255."""
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,12}$")
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')
_JOINERS = {"\u200c", "\u200d"}  # they shape words and emoji, other format characters only mislead
_VAGUE = {
    *("application/octet-stream", "application/zip", "text/plain"),
    *("application/cdfv2", "application/x-ole-storage"),
}
_NEVER_GUESSED = ("image/", "video/", "audio/", "text/html")
_WORDS_OF_KINDS = {MediaKind.GIF: "video", MediaKind.VOICE: "audio", MediaKind.STICKER: "image"}


def kind_for(mime: str, size: int) -> MediaKind:
    """How a file of ours is sent: played or shown in the chat where WhatsApp can, else as a
    document."""
    kind = _SENT_AS.get(mime, MediaKind.DOCUMENT)
    return kind if size <= LIMITS[kind] else MediaKind.DOCUMENT


def mime_for(sniffed: str, name: str) -> str:
    """The type of a document: what its bytes say, made more exact by its name where they are
    vague (a .docx is a ZIP), but never turned into something that is shown or run in place."""
    if sniffed not in _VAGUE:
        return sniffed
    guessed = mimetypes.guess_type(name)[0] or ""
    vague = not guessed or guessed.startswith(_NEVER_GUESSED) or "xml" in guessed.split("+")[-1:]
    return sniffed if vague else guessed


def clean_name(name: str) -> str:
    """`name` as it can be shown and saved anywhere: its last part, without what controls the
    direction of text, hides, or means something to a file system. Empty where nothing is left."""
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = (one for one in name if one in _JOINERS or not _is_hidden(one))
    name = _FORBIDDEN.sub("_", "".join(kept))
    name = re.sub(r"\s+", " ", name).strip(" .")
    return _shortened(name)


def renamed(name: str, extension: str) -> str:
    """`name` for a file of another type that was made of it; nothing where there is none."""
    return _shortened(_EXTENSION.sub("", name) + extension) if name else ""


def default_name(kind: MediaKind, mime: str, mark: str) -> str:
    """A name for a file that came without one: "image-01J9ZK.jpg"."""
    extension = mimetypes.guess_extension(mime) or ""
    return f"{_WORDS_OF_KINDS.get(kind, kind.value)}-{mark}{extension}"


def is_inline(mime: str) -> bool:
    """Whether a file of this sniffed type may be shown inside a page."""
    return mime in INLINE


def served_as(mime: str) -> str:
    """The type that a browser is told of a file: its own, but for what a browser could run, such
    as HTML and SVG: of that it is told nothing."""
    runs = not is_inline(mime) and any(word in mime for word in _RUN)
    return UNKNOWN if runs else mime


def disposition(name: str, *, inline: bool) -> str:
    """The Content-Disposition header (RFC 6266): a plain name for old programs, and the real one
    in UTF-8 (RFC 5987)."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    plain = re.sub(r'["\\%;]', "_", plain)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _shortened(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= NAME_BYTES:
        return name
    found = _EXTENSION.search(name)
    extension = found.group() if found else ""
    stem = encoded[: NAME_BYTES - len(extension)].decode(errors="ignore").rstrip(" .")
    return stem + extension
