"""What a message says of its file: read from the protobuf, and written into it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from app.sandbox import contents
from app.sandbox.media.crypto import Seal
from app.sandbox.media.kinds import FORMS, MediaKind
from app.sandbox.protos import E2EMessage

_HOST_URL = "https://mmg.whatsapp.net"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as people see it. Sizes in pixels; "" and 0 stand for what is not told."""

    kind: MediaKind
    mime: str = ""
    caption: str = ""
    file_name: str = ""
    seconds: int = 0
    width: int = 0
    height: int = 0
    view_once: bool = False
    thumbnail: bytes = b""
    waveform: bytes = b""
    animated: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where the encrypted file lies and how it is opened."""

    direct_path: str
    seal: Seal


def facts(attachment: Attachment, place: Place) -> dict[str, Any]:
    """Return what the journal tells of a file, as its message describes it."""
    told = asdict(attachment)
    thumbnail, waveform = told.pop("thumbnail"), told.pop("waveform")
    return {
        **told,
        "waveform": list(waveform),
        "thumbnail_size": len(thumbnail),
        "size": place.seal.length,
        "sha256": place.seal.sha256.hex(),
    }


def compose(attachment: Attachment, place: Place) -> bytes:
    """Return the message as a phone writes it, not yet padded."""
    message = E2EMessage()
    form = FORMS[attachment.kind]
    part = getattr(_wrapped(message, attachment), form.field)
    part.URL = f"{_HOST_URL}{place.direct_path}&mms3=true"
    part.directPath = place.direct_path
    part.mediaKey = place.seal.key
    part.mediaKeyTimestamp = int(time.time())
    part.fileSHA256, part.fileEncSHA256 = place.seal.sha256, place.seal.enc_sha256
    part.fileLength = place.seal.length
    part.mimetype = attachment.mime or form.mime
    _write_details(part, attachment)
    return bytes(message.SerializeToString())


def _wrapped(message: Any, attachment: Attachment) -> Any:
    """Return the message within, of what a phone wraps: view-once and documents with a caption."""
    if attachment.view_once and attachment.kind in ("audio", "voice"):
        return message.viewOnceMessageV2Extension.message
    if attachment.view_once:
        return message.viewOnceMessageV2.message
    if attachment.kind == "document" and attachment.caption:
        return message.documentWithCaptionMessage.message
    return message


def _write_details(part: Any, attachment: Attachment) -> None:
    """Set what this kind of message has a field for; the rest cannot be said in it."""
    known = part.DESCRIPTOR.fields_by_name
    details = {
        "caption": attachment.caption,
        "fileName": attachment.file_name,
        "title": attachment.file_name,
        "seconds": attachment.seconds,
        "width": attachment.width,
        "height": attachment.height,
        "JPEGThumbnail": attachment.thumbnail,
        "viewOnce": attachment.view_once,
        "gifPlayback": attachment.kind == "gif",
        "PTT": attachment.kind == "voice",
        "isAnimated": attachment.animated,
        "waveform": _waveform(part.fileSHA256) if attachment.kind == "voice" else b"",
    }
    for name, value in details.items():
        if value and name in known:
            setattr(part, name, value)


def _waveform(seed: bytes) -> bytes:
    """Return 64 levels from 0 to 99: nobody listens here, but the bars must look like a voice."""
    return bytes(byte % 100 for byte in seed + seed[::-1])


def find(message: Any) -> tuple[Attachment, Place] | None:
    """Return the file of a message and where it lies; None when it carries none."""
    inner = contents.inner(message)
    for kind in _kinds_of(inner):
        part = getattr(inner, FORMS[kind].field)
        seal = Seal(part.mediaKey, part.fileSHA256, part.fileEncSHA256, part.fileLength)
        return _read(kind, part), Place(part.directPath, seal)
    return None


def _kinds_of(message: Any) -> list[MediaKind]:
    if message.HasField("videoMessage"):
        return ["gif" if message.videoMessage.gifPlayback else "video"]
    if message.HasField("audioMessage"):
        return ["voice" if message.audioMessage.PTT else "audio"]
    others: tuple[MediaKind, ...] = ("image", "document", "sticker")
    return [kind for kind in others if message.HasField(FORMS[kind].field)]


def _read(kind: MediaKind, part: Any) -> Attachment:
    return Attachment(
        kind=kind,
        mime=part.mimetype,
        caption=getattr(part, "caption", ""),
        file_name=getattr(part, "fileName", ""),
        seconds=getattr(part, "seconds", 0),
        width=getattr(part, "width", 0),
        height=getattr(part, "height", 0),
        view_once=getattr(part, "viewOnce", False),
        thumbnail=getattr(part, "JPEGThumbnail", b""),
        waveform=getattr(part, "waveform", b""),
        animated=getattr(part, "isAnimated", False),
    )
