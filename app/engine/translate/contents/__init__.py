"""What a message says. One module for each kind of content; a new kind is a new module in _KINDS.

A module has `READERS`: the field of WhatsApp's Message that carries the kind, and the function that
makes our content of the field's value, or None for what nobody needs to see.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from app.engine.events import Content, Unsupported
from app.engine.translate.contents import details, files, polls, protocol, reaction, text

_KINDS = (text, files, details, polls, reaction, protocol)
_READERS: dict[str, Callable[[Any], Content | None]] = {
    field: reader for kind in _KINDS for field, reader in kind.READERS.items()
}
# They travel beside a content, or alone: then there is nothing to see.
_COMPANIONS = {
    "messageContextInfo",
    "senderKeyDistributionMessage",
    "fastRatchetKeySenderKeyDistributionMessage",
}
_WRAPPER_TYPES = {"FutureProofMessage", "DeviceSentMessage"}


def content_of(message: Any) -> Content | None:
    """Returns the content of WhatsApp's Message, or None when there is nothing to see.

    Wrappers (disappearing, view once, captioned document, ...) are opened. A message without any
    field, and every kind without a reader, is Unsupported: never an empty text.
    """
    fields = [(field, value) for field, value in message.ListFields()]
    if not fields:
        return Unsupported("empty")
    for field, value in fields:
        if field.name in _COMPANIONS:
            continue
        if field.message_type and field.message_type.name in _WRAPPER_TYPES:
            return content_of(value.message)
        reader = _READERS.get(field.name)
        return reader(value) if reader else Unsupported(_kind_name(field.name))
    return None


def inner(message: Any) -> Any:
    """Returns the Message inside all wrappers of this one."""
    for field, value in message.ListFields():
        if field.message_type and field.message_type.name in _WRAPPER_TYPES:
            return inner(value.message)
    return message


def _kind_name(field: str) -> str:
    """Returns "pollCreationMessageV3" as "poll_creation"."""
    name = re.sub(r"Message(V\d+)?$", "", field)
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
