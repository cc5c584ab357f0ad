"""Votes in polls, which only those who have the poll's secret can read.

Source: whatsmeow, msgsecret.go (generateMsgSecretKey, EncryptPollVote, DecryptPollVote,
HashPollOptions). The engine's own decrypt_poll_vote always fails (docs/sandbox.md).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from google.protobuf.message import DecodeError

from app.engine.events import SealedVote
from app.engine.protos import message_class

_NONCE_BYTES = 12
_BALLOT = "WAWebProtobufsE2E.PollVoteMessage"


class VoteUnreadable(ValueError):
    """A vote that was made with another secret, or by somebody else than it says."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A poll as far as votes need it. `creators`: the JIDs it may have been made under, the
    likeliest first; a person is known by LID or by number."""

    id: str
    creators: Sequence[str]
    secret: bytes = field(repr=False)
    options: Sequence[str]


def seal(asked: Asked, voter: str, chosen: Iterable[str], at: datetime) -> SealedVote:
    """The vote of the JID `voter` for `chosen`, in the poll of its first creator."""
    ballot = message_class(_BALLOT)(selectedOptions=[_hash(option) for option in chosen])
    nonce = secrets.token_bytes(_NONCE_BYTES)
    cipher, context = _cipher(asked, asked.creators[0], voter)
    payload = cipher.encrypt(nonce, ballot.SerializeToString(), context)
    return SealedVote(nonce, payload, at)


def chosen_in(vote: SealedVote, asked: Asked, voters: Sequence[str]) -> list[str]:
    """The options that somebody, one of the JIDs `voters`, votes for, in the order of the poll.
    Raises VoteUnreadable."""
    for creator in asked.creators:
        for voter in voters:
            cipher, context = _cipher(asked, creator, voter)
            try:
                ballot = cipher.decrypt(vote.iv, vote.payload, context)
            except (InvalidTag, ValueError):  # ValueError: an iv of another length
                continue
            return _options_in(ballot, asked.options)
    raise VoteUnreadable("no key fits")


def options_with(hashes: Iterable[bytes], options: Sequence[str]) -> list[str]:
    """The options that these hashes stand for, in the order of the poll."""
    selected = set(hashes)
    return [option for option in dict.fromkeys(options) if _hash(option) in selected]


def _options_in(ballot: bytes, options: Sequence[str]) -> list[str]:
    try:
        selected = message_class(_BALLOT).FromString(ballot).selectedOptions
    except DecodeError as error:
        raise VoteUnreadable("this is no ballot") from error
    return options_with(selected, options)


def _cipher(asked: Asked, creator: str, voter: str) -> tuple[AESGCM, bytes]:
    """The cipher, and what is authenticated beside the vote."""
    who = f"{asked.id}{creator}{voter}Poll Vote".encode()
    key = HKDF(SHA256(), 32, None, who).derive(asked.secret)
    return AESGCM(key), f"{asked.id}\0{voter}".encode()


def _hash(option: str) -> bytes:
    return hashlib.sha256(option.encode()).digest()
