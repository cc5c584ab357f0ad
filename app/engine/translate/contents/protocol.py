"""Messages about messages: edited, deleted. Everything else of this kind is between programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.engine.events import Amendment, Change, Content

_SAID = ("conversation", "extendedTextMessage", "imageMessage", "videoMessage", "documentMessage")


def _protocol(value: Any) -> Content | None:
    name = value.DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number[value.type].name
    if name == "REVOKE":
        return Amendment(Change.DELETION, value.key.ID)
    if name == "MESSAGE_EDIT":
        return Amendment(Change.EDIT, value.key.ID, _text_of(value.editedMessage))
    return None


def _text_of(message: Any) -> str:
    """The new text, or the new caption of a file."""
    if message.HasField("documentWithCaptionMessage"):
        message = message.documentWithCaptionMessage.message
    for field in filter(message.HasField, _SAID):
        part = getattr(message, field)
        text = part if isinstance(part, str) else getattr(part, "text", "") or _caption(part)
        return str(text)
    return ""


def _caption(part: Any) -> str:
    return str(getattr(part, "caption", ""))


READERS: dict[str, Callable[[Any], Content | None]] = {"protocolMessage": _protocol}
