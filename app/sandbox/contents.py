"""What is inside an encrypted message: the protobuf, WhatsApp's padding, and its text."""

from __future__ import annotations

import secrets
from typing import Any

from app.sandbox.protos import E2EMessage

_CAPTIONED = ("imageMessage", "videoMessage", "documentMessage")
_VIEW_ONCE = ("viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension")
_WRAPPERS = (*_VIEW_ONCE, "documentWithCaptionMessage", "ephemeralMessage", "editedMessage")
_NAMED = {
    "reactionMessage": "reaction",
    "pollUpdateMessage": "vote",
    "pollCreationMessage": "poll",
    "pollCreationMessageV2": "poll",
    "pollCreationMessageV3": "poll",
    "locationMessage": "location",
    "contactMessage": "contact",
}


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


def inner(message: Any) -> Any:
    """Return the message that carries the content, taken out of what is wrapped around it."""
    for name in _WRAPPERS:
        if message.HasField(name):
            return inner(getattr(message, name).message)
    return message


def is_view_once(message: Any) -> bool:
    """Whether a message may be seen once only, on the phone."""
    return any(message.HasField(name) for name in _VIEW_ONCE)


def text_of(message: Any) -> str:
    """Return the text, caption or emoji a person would read, "" when there is none."""
    message = inner(message)
    if message.conversation:
        return str(message.conversation)
    if message.HasField("extendedTextMessage"):
        return str(message.extendedTextMessage.text)
    if message.HasField("reactionMessage"):
        return str(message.reactionMessage.text)
    if message.HasField("protocolMessage"):
        return text_of(message.protocolMessage.editedMessage)
    for name in _CAPTIONED:
        if message.HasField(name):
            return str(getattr(message, name).caption)
    return ""


def kind_of(message: Any) -> str:
    """Return "text", or one of the names below, or the name of the content's field."""
    message = inner(message)
    for name, kind in _NAMED.items():
        if message.HasField(name):
            return kind
    if message.HasField("protocolMessage"):
        protocol = message.protocolMessage
        changes = {protocol.REVOKE: "delete", protocol.MESSAGE_EDIT: "edit"}
        return changes.get(protocol.type, "protocolMessage")
    if message.conversation or message.HasField("extendedTextMessage"):
        return "text"
    names = [field.name for field, _ in message.ListFields() if field.name != "messageContextInfo"]
    return str(names[0]) if names else "empty"
