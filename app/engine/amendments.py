"""Reactions, edits and deletions of ours as WhatsApp's Message.

Source: whatsmeow, send.go (BuildReaction, BuildEdit, BuildRevoke; the stanza's `edit` follows from
the message, getEditAttribute).
"""

from __future__ import annotations

import time
from typing import Any

from app.engine import library
from app.engine.base import Target
from app.engine.events import Change


def amendment_message(to: str, kind: Change, text: str, target: Target) -> Any:
    """Returns WhatsApp's Message that says this about `target` in the chat `to`."""
    whole = library.message()
    if kind is Change.REACTION:
        part = whole.reactionMessage
        part.text, part.senderTimestampMS = text, _now_ms()
    elif kind is Change.EDIT:
        part = whole.editedMessage.message.protocolMessage
        part.type, part.timestampMS = part.MESSAGE_EDIT, _now_ms()
        part.editedMessage.conversation = text
    else:
        part = whole.protocolMessage
        part.type = part.REVOKE
    part.key.remoteJID, part.key.fromMe, part.key.ID = to, target.from_me, target.id
    if target.author:
        part.key.participant = target.author
    return whole


def _now_ms() -> int:
    return int(time.time() * 1000)
