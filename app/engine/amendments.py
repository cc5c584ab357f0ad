"""Reactions, edits, deletions and votes of ours as WhatsApp's Message.

Source: whatsmeow, send.go (BuildReaction, BuildEdit, BuildRevoke; the stanza's `edit` follows from
the message, getEditAttribute), msgsecret.go (EncryptPollVote).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from app.engine import library
from app.engine.base import Context, Target
from app.engine.events import Change, SealedVote


def amendment_message(
    to: str, kind: Change, text: str, target: Target, mentions: Sequence[str] = ()
) -> Any:
    """Returns WhatsApp's Message that says this about `target` in the chat `to`. `mentions`: JIDs
    of those whom the text of an edit names."""
    whole = library.message()
    if kind is Change.REACTION:
        part = whole.reactionMessage
        part.text, part.senderTimestampMS = text, _now_ms()
    elif kind is Change.EDIT:
        part = whole.editedMessage.message.protocolMessage
        part.type, part.timestampMS = part.MESSAGE_EDIT, _now_ms()
        context = Context(mentions=tuple(mentions))
        part.editedMessage.CopyFrom(library.text_message(text, context))
    else:
        part = whole.protocolMessage
        part.type = part.REVOKE
    _set_key(part.key, to, target)
    return whole


def vote_message(to: str, vote: SealedVote, target: Target) -> Any:
    """Returns WhatsApp's Message with this vote in the poll `target` of the chat `to`."""
    whole = library.message()
    part = whole.pollUpdateMessage
    part.vote.encIV, part.vote.encPayload = vote.iv, vote.payload
    part.senderTimestampMS = int(vote.at.timestamp() * 1000) if vote.at else _now_ms()
    _set_key(part.pollCreationMessageKey, to, target)
    return whole


def _set_key(key: Any, to: str, target: Target) -> None:
    key.remoteJID, key.fromMe, key.ID = to, target.from_me, target.id
    if target.author:
        key.participant = target.author


def _now_ms() -> int:
    return int(time.time() * 1000)
