"""Polls, and votes that only those who have the poll's secret can read.

Source: whatsmeow, msgsecret.go (generateMsgSecretKey, EncryptPollVote, BuildPollCreation).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.sandbox.amendments import Target, set_key
from app.sandbox.protos import E2EMessage, PollVoteMessage
from app.sandbox.wire.jid import JID

_CREATIONS = ("pollCreationMessage", "pollCreationMessageV2", "pollCreationMessageV3")
_NONCE_SIZE = 12


class VoteError(ValueError):
    """A vote for what was not asked, or one that cannot be read."""


@dataclass(frozen=True, slots=True)
class Poll:
    """A poll that was sent: what a vote is encrypted with, and what can be voted for."""

    id: str
    creator: JID
    secret: bytes
    options: tuple[str, ...]


def create(question: str, options: Iterable[str], choices: int) -> bytes:
    """Return a poll; `choices` is how many options one may choose, 0 any number."""
    message = E2EMessage()
    poll = message.pollCreationMessageV3 if choices == 1 else message.pollCreationMessage
    poll.name, poll.selectableOptionsCount = question, choices
    for option in options:
        poll.options.add().optionName = option
    message.messageContextInfo.messageSecret = secrets.token_bytes(32)
    return bytes(message.SerializeToString())


def facts(message: Any) -> dict[str, Any]:
    """Return what the journal tells of a poll, nothing of other messages."""
    for name in _CREATIONS:
        if message.HasField(name):
            poll = getattr(message, name)
            told = {
                "question": poll.name,
                "options": [option.optionName for option in poll.options],
                "choices": poll.selectableOptionsCount,
                "secret": message.messageContextInfo.messageSecret.hex(),
            }
            return {"poll": told}
    return {}


def vote(target: Target, poll: Poll, voter: JID, chosen: Iterable[str]) -> bytes:
    """Return a vote for these options, in the place of any before; raises VoteError."""
    ballot = PollVoteMessage()
    for option in chosen:
        if option not in poll.options:
            raise VoteError(f"{option!r} is not one of the poll's options")
        ballot.selectedOptions.append(_hash(option))
    nonce = secrets.token_bytes(_NONCE_SIZE)
    message = E2EMessage()
    update = message.pollUpdateMessage
    set_key(update.pollCreationMessageKey, target)
    update.vote.encIV = nonce
    cipher, context = _cipher(poll, voter)
    update.vote.encPayload = cipher.encrypt(nonce, ballot.SerializeToString(), context)
    update.senderTimestampMS = int(time.time() * 1000)
    return bytes(message.SerializeToString())


def chosen_in(update: Any, poll: Poll, voter: JID) -> list[str]:
    """Return the options a pollUpdateMessage votes for; raises VoteError."""
    cipher, context = _cipher(poll, voter)
    try:
        raw = cipher.decrypt(update.vote.encIV, update.vote.encPayload, context)
    except InvalidTag:
        raise VoteError("the vote cannot be decrypted") from None
    selected = set(PollVoteMessage.FromString(raw).selectedOptions)
    return [option for option in poll.options if _hash(option) in selected]


def _cipher(poll: Poll, voter: JID) -> tuple[AESGCM, bytes]:
    who = f"{poll.id}{poll.creator.bare}{voter.bare}Poll Vote".encode()
    key = HKDF(hashes.SHA256(), 32, None, who).derive(poll.secret)
    return AESGCM(key), f"{poll.id}\0{voter.bare}".encode()


def _hash(option: str) -> bytes:
    return hashlib.sha256(option.encode()).digest()
