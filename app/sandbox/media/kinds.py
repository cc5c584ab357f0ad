"""The kinds of media a person can send, and what the protocol calls each.

The kind decides what the keys of a file are derived for (source: whatsmeow, download.go), the type
in the path of an upload, and the `mediatype` of the encrypted stanza (source: whatsmeow, send.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

MediaKind = Literal["image", "video", "gif", "audio", "voice", "document", "sticker"]
KINDS: tuple[MediaKind, ...] = get_args(MediaKind)


@dataclass(frozen=True, slots=True)
class Form:
    """How one kind travels: the message's field, the purpose of its keys, and names on the way."""

    field: str
    keys: str
    mediatype: str
    mime: str


FORMS: dict[MediaKind, Form] = {
    "image": Form("imageMessage", "WhatsApp Image Keys", "image", "image/jpeg"),
    "video": Form("videoMessage", "WhatsApp Video Keys", "video", "video/mp4"),
    "gif": Form("videoMessage", "WhatsApp Video Keys", "gif", "video/mp4"),
    "audio": Form("audioMessage", "WhatsApp Audio Keys", "audio", "audio/mp4"),
    "voice": Form("audioMessage", "WhatsApp Audio Keys", "ptt", "audio/ogg; codecs=opus"),
    "document": Form(
        "documentMessage", "WhatsApp Document Keys", "document", "application/octet-stream"
    ),
    "sticker": Form("stickerMessage", "WhatsApp Image Keys", "sticker", "image/webp"),
}
# What the path of an upload may name; others are not found.
UPLOAD_TYPES = frozenset(
    {
        *("image", "video", "gif", "audio", "ptt", "document", "sticker", "sticker-pack"),
        *("md-msg-hist", "md-app-state", "thumbnail-link", "thumbnail-image"),
        *("thumbnail-video", "thumbnail-document"),
    }
)
