"""What a person says about an earlier message: quotes, reactions, edits and deletions.

Source: whatsmeow, send.go (BuildReaction, BuildEdit, BuildRevoke, getEditAttribute).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.sandbox import contents
from app.sandbox.media.kinds import FORMS
from app.sandbox.protos import E2EMessage
from app.sandbox.wire.jid import JID

# Kinds of messages that nobody reads or answers by themselves.
KINDS = frozenset({"reaction", "edit", "delete", "vote"})
_EDITED, _REVOKED = "1", "7"


@dataclass(frozen=True, slots=True)
class Target:
    """An earlier message: its chat, id, and whether the one who speaks of it wrote it; in a group
    also its author."""

    chat: JID
    id: str
    from_me: bool
    author: JID | None = None


def reaction(target: Target, emoji: str) -> bytes:
    """Return a reaction; "" takes the one given before back."""
    message = E2EMessage()
    set_key(message.reactionMessage.key, target)
    message.reactionMessage.text = emoji
    message.reactionMessage.senderTimestampMS = _now_ms()
    return bytes(message.SerializeToString())


def edit(target: Target, text: str, mentions: Sequence[JID] = ()) -> bytes:
    """Return the message that puts `text` in the place of what was written before; it may name
    people with an @."""
    message = E2EMessage()
    protocol = message.editedMessage.message.protocolMessage
    set_key(protocol.key, target)
    protocol.type = protocol.MESSAGE_EDIT
    if mentions:
        new = protocol.editedMessage.extendedTextMessage
        new.text = text
        new.contextInfo.mentionedJID.extend(map(str, mentions))
    else:
        protocol.editedMessage.conversation = text
    protocol.timestampMS = _now_ms()
    return bytes(message.SerializeToString())


def deletion(target: Target) -> bytes:
    """Return the message that deletes an earlier one for everybody."""
    message = E2EMessage()
    set_key(message.protocolMessage.key, target)
    message.protocolMessage.type = message.protocolMessage.REVOKE
    return bytes(message.SerializeToString())


def reply(text: str, quoted: dict[str, Any], author: JID) -> bytes:
    """Return a text that quotes a message, which is given as its entry in the journal."""
    message = E2EMessage()
    message.extendedTextMessage.text = text
    context = message.extendedTextMessage.contextInfo
    context.stanzaID, context.participant = quoted["id"], str(author)
    media = quoted.get("media")
    if media is None:
        context.quotedMessage.conversation = quoted["text"]
    else:
        part = getattr(context.quotedMessage, FORMS[media["kind"]].field)
        part.mimetype = media["mime"]
        if "caption" in part.DESCRIPTOR.fields_by_name:
            part.caption = media["caption"]
    return bytes(message.SerializeToString())


def spoken(text: str, *, forwarded: int, mentions: list[JID]) -> bytes:
    """Return a text that was passed on so often, or that names people with an @."""
    message = E2EMessage()
    message.extendedTextMessage.text = text
    context = message.extendedTextMessage.contextInfo
    if forwarded:
        context.isForwarded, context.forwardingScore = True, forwarded
    context.mentionedJID.extend(map(str, mentions))
    return bytes(message.SerializeToString())


def edit_attribute(message: Any) -> str:
    """Return the stanza's `edit`, "" for a message that changes none."""
    kind = contents.kind_of(message)
    if kind == "edit":
        return _EDITED
    taken_back = kind == "reaction" and not message.reactionMessage.text
    return _REVOKED if kind == "delete" or taken_back else ""


def facts(message: Any) -> dict[str, Any]:
    """Return what the journal tells of it: `target`, the id it is about, or what is `quoted`."""
    message = contents.inner(message)
    if message.HasField("reactionMessage"):
        return {"target": message.reactionMessage.key.ID}
    if message.HasField("protocolMessage"):
        new = _context_of(message.protocolMessage.editedMessage)
        named = {"mentions": list(new.mentionedJID)} if new and new.mentionedJID else {}
        return {"target": message.protocolMessage.key.ID, **named}
    context = _context_of(message)
    if context is None:
        return {}
    told: dict[str, Any] = {}
    if context.isForwarded:
        told["forwarded"] = context.forwardingScore
    if context.mentionedJID:
        told["mentions"] = list(context.mentionedJID)
    if not context.stanzaID:
        return told
    quoted = {"id": context.stanzaID, "text": contents.text_of(context.quotedMessage)}
    return told | {"quoted": {**quoted, "author": context.participant}}


def _context_of(message: Any) -> Any:
    for field, part in message.ListFields():
        if field.message_type and "contextInfo" in field.message_type.fields_by_name:
            return part.contextInfo
    return None


def set_key(key: Any, target: Target) -> None:
    """Write the key of the message that is spoken of."""
    key.remoteJID, key.fromMe, key.ID = str(target.chat), target.from_me, target.id
    if target.author is not None:
        key.participant = str(target.author)


def _now_ms() -> int:
    return int(time.time() * 1000)
