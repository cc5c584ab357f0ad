"""What a message says about itself: its `contextInfo`, which every kind of content has room for."""

from __future__ import annotations

from typing import Any

from app.engine.address import Address
from app.engine.events import Content, File, Quoted, Text, Unsupported
from app.engine.translate.contents import content_of, inner

_TEXT = "text"
MOST_FORWARDED = 127  # WhatsApp itself counts no further
_MOST_MENTIONS = 1024


def quoted_in(message: Any) -> Quoted | None:
    """Returns the message that WhatsApp's Message answers; None where it answers none."""
    context = _context_of(inner(message))
    if context is None or not context.stanzaID:
        return None
    content = content_of(context.quotedMessage) or Unsupported("empty")
    author = Address.of(context.participant)
    return Quoted(context.stanzaID, author, _kind_of(content), _text_of(content))


def forwarded_in(message: Any) -> int:
    """Returns how often the message was passed on, 0 for one that its sender wrote."""
    context = _context_of(inner(message))
    if context is None or not context.isForwarded:
        return 0
    return min(max(int(context.forwardingScore), 1), MOST_FORWARDED)


def mentions_in(message: Any) -> tuple[Address, ...]:
    """Returns who is named with an @ in the message, or in what an edit puts in its place."""
    said = inner(message)
    if said.HasField("protocolMessage"):
        said = inner(said.protocolMessage.editedMessage)
    context = _context_of(said)
    if context is None:
        return ()
    return tuple(Address.of(jid) for jid in context.mentionedJID[:_MOST_MENTIONS])


def _context_of(message: Any) -> Any:
    for field, part in message.ListFields():
        if field.message_type and "contextInfo" in field.message_type.fields_by_name:
            return part.contextInfo if part.HasField("contextInfo") else None
    return None


def _kind_of(content: Content) -> str:
    if isinstance(content, File):
        return content.facts.kind.value
    return _TEXT if isinstance(content, Text) else content.kind


def _text_of(content: Content) -> str:
    return content.text or (content.facts.file_name if isinstance(content, File) else "")
