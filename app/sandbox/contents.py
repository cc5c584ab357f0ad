"""What is inside an encrypted message: the protobuf, WhatsApp's padding, and its text."""

from __future__ import annotations

import secrets
from typing import Any

from app.sandbox.protos import E2EMessage

_CAPTIONED = ("imageMessage", "videoMessage", "documentMessage")


class ContentError(ValueError):
    """A plaintext that is not a padded message."""


def text_message(text: str) -> bytes:
    """Return a text as a phone writes it (`conversation`), not yet padded."""
    return bytes(E2EMessage(conversation=text).SerializeToString())


def sent_from_own_device(destination: str, message: bytes) -> bytes:
    """Return the copy of a sent message for the sender's other devices."""
    wrapper = E2EMessage()
    wrapper.deviceSentMessage.destinationJID = destination
    wrapper.deviceSentMessage.message.MergeFromString(message)
    return bytes(wrapper.SerializeToString())


def pad(plaintext: bytes) -> bytes:
    """Return `plaintext` followed by 1 to 15 bytes that each hold their own count."""
    count = secrets.randbelow(15) + 1
    return plaintext + bytes((count,)) * count


def parse(padded: bytes) -> Any:
    """Return the message in a decrypted plaintext; raises ContentError."""
    count = padded[-1] if padded else 0
    if not count or padded[-count:] != bytes((count,)) * count:
        raise ContentError("the padding is wrong")
    return E2EMessage.FromString(padded[:-count])


def text_of(message: Any) -> str:
    """Return the text or caption a person would read, "" when there is none."""
    if message.conversation:
        return str(message.conversation)
    if message.HasField("extendedTextMessage"):
        return str(message.extendedTextMessage.text)
    for name in _CAPTIONED:
        if message.HasField(name):
            return str(getattr(message, name).caption)
    return ""


def kind_of(message: Any) -> str:
    """Return "text", or the name of the field that holds the content."""
    if message.conversation or message.HasField("extendedTextMessage"):
        return "text"
    names = [field.name for field, _ in message.ListFields() if field.name != "messageContextInfo"]
    return str(names[0]) if names else "empty"
