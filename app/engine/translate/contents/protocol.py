"""Messages about messages: edited, deleted. Everything else of this kind is between programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.engine.events import Content, Unsupported


def _protocol(value: Any) -> Content | None:
    name = value.DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number[value.type].name
    if name == "REVOKE":
        return Unsupported("revoke")
    if name == "MESSAGE_EDIT":
        edited = value.editedMessage
        return Unsupported("edit", edited.conversation or edited.extendedTextMessage.text)
    return None


READERS: dict[str, Callable[[Any], Content | None]] = {"protocolMessage": _protocol}
