"""Files that people and programs send: what may go out, and as what."""

from __future__ import annotations

from app.core.errors import AppError, Invalid
from app.core.media import LIMITS, MIB, FileFacts, MediaKind, clean_name, kind_for, mime_for
from app.core.sniffing import mime_of
from app.core.texts import N_
from app.models import Chat, Instance, Message
from app.services import chats, messaging, quotes
from app.services.media import NewFile
from app.services.timing import AT_ONCE, Timing
from app.storage import Draft, Storage
from app.voice import MIME, note_of

CAPTION_LIMIT = 1024
"""Characters of a caption; WhatsApp's own limit."""
CAPTIONED = frozenset({MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.DOCUMENT})


class FileTooLarge(AppError):
    """The file has more bytes than this server, or WhatsApp, takes."""

    status = 413
    code = "file_too_large"
    message = N_("A file may have at most %(limit)d MB.")

    def __init__(self, limit: int):
        super().__init__(limit=limit // MIB)


def facts_of(draft: Draft, name: str) -> FileFacts:
    """What the file is, by its bytes, and as what it is sent. Raises Invalid (file) for one without
    any, FileTooLarge."""
    if not draft.size:
        raise Invalid(N_("The file is empty."), field="file", code="file_empty")
    if draft.size > LIMITS[MediaKind.DOCUMENT]:
        raise FileTooLarge(LIMITS[MediaKind.DOCUMENT])
    name = clean_name(name)
    sniffed = mime_of(draft.head)
    kind = kind_for(sniffed, draft.size)
    mime = mime_for(sniffed, name) if kind is MediaKind.DOCUMENT else sniffed
    return FileFacts(kind, name, mime, draft.size, draft.sha256)


def voice_note_of(draft: Draft, storage: Storage) -> NewFile:
    """A voice note of the sound in `draft`, which is given up: the same for the same sound, so that
    a request that is repeated is known by it. Raises Invalid (file), FileTooLarge, Unavailable."""
    with draft:
        if not draft.size:
            raise Invalid(N_("The file is empty."), field="file", code="file_empty")
        note = note_of(draft.whole())
    with storage.draft() as spoken:
        spoken.write(note.content)
        if spoken.size > LIMITS[MediaKind.VOICE]:
            raise FileTooLarge(LIMITS[MediaKind.VOICE])
        facts = FileFacts(
            kind=MediaKind.VOICE,
            mime=MIME,
            size=spoken.size,
            sha256=spoken.sha256,
            seconds=note.seconds,
            waveform=note.waveform,
        )
        return NewFile(facts, spoken.keep())


def checked_caption(caption: str, kind: MediaKind) -> str:
    """Raises Invalid (caption) for one that is too long, or that WhatsApp has no place for."""
    if not caption.strip():
        return ""
    if kind not in CAPTIONED:
        text = N_("Audio has no caption: send the text as a message of its own.")
        raise Invalid(text, field="caption", code="caption_not_possible")
    return checked_length(caption)


def checked_length(caption: str) -> str:
    """Raises Invalid (caption) for one that is too long."""
    if len(caption) > CAPTION_LIMIT:
        text = N_("A caption may have at most %(count)d characters.")
        raise Invalid(text, field="caption", code="caption_too_long", count=CAPTION_LIMIT)
    return caption


def queue_file(
    instance: Instance,
    file: NewFile,
    *,
    to: str,
    caption: str,
    source: str,
    country: str,
    idempotency_key: str | None = None,
    timing: Timing = AT_ONCE,
    reply_to: str | None = None,
) -> Message:
    """A queued message with a file to `to` (a number or a JID).

    The same `idempotency_key` with the same file and caption gives the same message. Raises Invalid
    (to, caption, send_at, ttl, replyTo), or Conflict when no phone was ever linked or the key was
    used otherwise.
    """
    caption = checked_caption(caption, file.facts.kind)
    chat = chats.with_address(instance, to, country=country)
    original = quotes.original_for(chat, reply_to)
    return messaging.queue_once(
        instance, chat, caption, source, idempotency_key, timing, file, original
    )


def queue_file_in(
    instance: Instance,
    chat: Chat,
    file: NewFile,
    *,
    caption: str,
    source: str,
    idempotency_key: str | None = None,
    reply_to: str | None = None,
) -> Message:
    """The same in a chat that is known. A caption that has no place with its file, audio, follows
    as a text. Raises Invalid (caption), or Conflict when the chat's account is not linked now."""
    messaging.require_linked(instance, chat)
    caption = checked_length(caption) if caption.strip() else ""
    captioned = file.facts.kind in CAPTIONED
    text, original = caption if captioned else "", quotes.original_for(chat, reply_to)
    message = messaging.queue_once(
        instance, chat, text, source, idempotency_key, file=file, original=original
    )
    if caption and not captioned:
        key = f"{idempotency_key}-text" if idempotency_key else None
        messaging.queue_once(instance, chat, caption, source, key)
    return message
