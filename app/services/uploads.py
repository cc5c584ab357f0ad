"""Files that people and programs send: what may go out, and as what."""

from __future__ import annotations

from dataclasses import replace

from app.conversion import sticker, voice
from app.core import gifs
from app.core.errors import AppError, Invalid
from app.core.media import (
    LIMITS,
    MIB,
    FileFacts,
    MediaKind,
    clean_name,
    kind_for,
    mime_for,
    renamed,
)
from app.core.sniffing import mime_of
from app.core.texts import N_
from app.models import Chat, Instance, Message
from app.services import chats, messaging, quotes
from app.services.media import NewFile
from app.services.timing import AT_ONCE, Timing
from app.storage import Draft, Storage

CAPTION_LIMIT = 1024
"""Characters of a caption; WhatsApp's own limit."""
CAPTIONED = frozenset({MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.GIF, MediaKind.DOCUMENT})
WANTED = frozenset({MediaKind.VOICE, MediaKind.STICKER, MediaKind.GIF, MediaKind.DOCUMENT})
"""As what people may ask a file to be sent; else its bytes decide."""
_GIF = "image/gif"


class FileTooLarge(AppError):
    """The file has more bytes than this server, or WhatsApp, takes."""

    status = 413
    code = "file_too_large"
    message = N_("A file may have at most %(limit)d MB.")

    def __init__(self, limit: int):
        super().__init__(limit=limit // MIB)


def new_file(draft: Draft, name: str, storage: Storage, wanted: MediaKind | None) -> NewFile:
    """What goes out of an upload, stored: the file as it is, or what is made of it to be sent as
    `wanted`, one of WANTED. What moves in a GIF goes as WhatsApp's GIF unless something else is
    wanted. Raises Invalid (file), FileTooLarge, Unavailable."""
    if wanted is MediaKind.VOICE:
        return voice_note_of(draft, storage)
    if wanted is MediaKind.STICKER:
        return sticker_of(draft, name, storage)
    facts = facts_of(draft, name)
    if wanted is MediaKind.GIF:
        return _to_become_gif(draft, facts)
    if wanted is MediaKind.DOCUMENT:
        kept = replace(facts, kind=MediaKind.DOCUMENT)
        return NewFile(kept, draft.keep())
    if facts.mime == _GIF and gifs.moves(draft.whole()):
        return _to_become_gif(draft, facts)
    return NewFile(facts, draft.keep())


def facts_of(draft: Draft, name: str) -> FileFacts:
    """What the file is, by its bytes, and as what it is sent. Raises Invalid (file) for one without
    any, FileTooLarge."""
    _require_content(draft)
    if draft.size > LIMITS[MediaKind.DOCUMENT]:
        raise FileTooLarge(LIMITS[MediaKind.DOCUMENT])
    name = clean_name(name)
    sniffed = mime_of(draft.head)
    kind = kind_for(sniffed, draft.size)
    mime = mime_for(sniffed, name) if kind is MediaKind.DOCUMENT else sniffed
    return FileFacts(kind, name, mime, draft.size, draft.sha256)


def sticker_of(draft: Draft, name: str, storage: Storage) -> NewFile:
    """A sticker of the picture in `draft`, which is given up: the same for the same picture. Raises
    Invalid (file), Unavailable."""
    with draft:
        _require_content(draft)
        made = sticker.sticker_of(draft.whole())
    with storage.draft() as drawn:
        drawn.write(made.content)
        facts = FileFacts(
            kind=MediaKind.STICKER,
            file_name=renamed(clean_name(name), ".webp"),
            mime=sticker.MIME,
            size=drawn.size,
            sha256=drawn.sha256,
            width=sticker.EDGE,
            height=sticker.EDGE,
            animated=made.animated,
        )
        return NewFile(facts, drawn.keep())


def _to_become_gif(draft: Draft, facts: FileFacts) -> NewFile:
    """The upload, kept to be made into a GIF by a job. Raises Invalid (file), FileTooLarge."""
    fits = gifs.moves(draft.whole()) if facts.mime == _GIF else facts.mime.startswith("video/")
    if not fits:
        text = N_("A GIF is made of a GIF file that moves, or of a short video. This is neither.")
        raise Invalid(text, field="file", code="not_a_gif")
    if draft.size > LIMITS[MediaKind.GIF]:
        raise FileTooLarge(LIMITS[MediaKind.GIF])
    return NewFile(replace(facts, kind=MediaKind.GIF), draft.keep(), is_source=True)


def _require_content(draft: Draft) -> None:
    if not draft.size:
        raise Invalid(N_("The file is empty."), field="file", code="file_empty")


def voice_note_of(draft: Draft, storage: Storage) -> NewFile:
    """A voice note of the sound in `draft`, which is given up: the same for the same sound, so that
    a request that is repeated is known by it. Raises Invalid (file), FileTooLarge, Unavailable."""
    with draft:
        _require_content(draft)
        note = voice.note_of(draft.whole())
    with storage.draft() as spoken:
        spoken.write(note.content)
        if spoken.size > LIMITS[MediaKind.VOICE]:
            raise FileTooLarge(LIMITS[MediaKind.VOICE])
        facts = FileFacts(
            kind=MediaKind.VOICE,
            mime=voice.MIME,
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
        text = N_("Audio and stickers have no caption: send the text as a message of its own.")
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
