"""Media files as they are uploaded: AES-CBC with a shortened HMAC behind it, piece by piece.

Source: whatsmeow, upload.go and download.go. No file is ever held in memory as a whole.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAC_LENGTH = 10
_KEY_LENGTH = 32
_EXPANDED = 112
_BLOCK_BITS = 128
_PIECE = 1 << 18


class MediaError(Exception):
    """A file that is not what its message says; the text says in which way."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What a message must tell of its file so that the receiver can open and check it."""

    key: bytes
    sha256: bytes
    enc_sha256: bytes
    length: int


class _Keys:
    """What is derived from the key in the message: iv, cipher key and MAC key."""

    def __init__(self, key: bytes, purpose: str) -> None:
        expanded = HKDF(hashes.SHA256(), _EXPANDED, None, purpose.encode()).derive(key)
        self.cipher = Cipher(algorithms.AES(expanded[16:48]), modes.CBC(expanded[:16]))
        self.mac = hmac.new(expanded[48:80], expanded[:16], hashlib.sha256)


def seal(plain: BinaryIO, into: BinaryIO, purpose: str) -> Seal:
    """Encrypt `plain` under a new key and return how to open it."""
    key = secrets.token_bytes(_KEY_LENGTH)
    keys = _Keys(key, purpose)
    encryptor, padder = keys.cipher.encryptor(), padding.PKCS7(_BLOCK_BITS).padder()
    plain_hash, sealed_hash, length = hashlib.sha256(), hashlib.sha256(), 0

    def write(piece: bytes) -> None:
        keys.mac.update(piece)
        sealed_hash.update(piece)
        into.write(piece)

    while piece := plain.read(_PIECE):
        length += len(piece)
        plain_hash.update(piece)
        write(encryptor.update(padder.update(piece)))
    write(encryptor.update(padder.finalize()) + encryptor.finalize())
    mac = keys.mac.digest()[:MAC_LENGTH]
    sealed_hash.update(mac)
    into.write(mac)
    return Seal(key, plain_hash.digest(), sealed_hash.digest(), length)


def unseal(sealed: BinaryIO, into: BinaryIO, seal: Seal, purpose: str) -> None:
    """Decrypt into `into`; raises MediaError when a hash, the MAC or the length is not right.

    What was written by then is worth nothing.
    """
    keys = _Keys(seal.key, purpose)
    decryptor, unpadder = keys.cipher.decryptor(), padding.PKCS7(_BLOCK_BITS).unpadder()
    plain_hash, sealed_hash, length = hashlib.sha256(), hashlib.sha256(), 0
    left = sealed.seek(0, os.SEEK_END) - MAC_LENGTH
    sealed.seek(0)
    if left <= 0:
        raise MediaError("the file is too short")
    try:
        while left:
            piece = sealed.read(min(_PIECE, left))
            left -= len(piece)
            keys.mac.update(piece)
            sealed_hash.update(piece)
            opened = unpadder.update(decryptor.update(piece))
            if not left:
                opened += unpadder.update(decryptor.finalize()) + unpadder.finalize()
            plain_hash.update(opened)
            length += len(opened)
            into.write(opened)
    except ValueError:
        raise MediaError("the file cannot be decrypted") from None
    mac = sealed.read(MAC_LENGTH)
    sealed_hash.update(mac)
    _check("the file is not the one that was sent", sealed_hash.digest(), seal.enc_sha256)
    _check("the MAC is wrong", keys.mac.digest()[:MAC_LENGTH], mac)
    _check("the content is not what was sent", plain_hash.digest(), seal.sha256)
    if length != seal.length:
        raise MediaError(f"{length} bytes instead of {seal.length}")


def _check(complaint: str, got: bytes, wanted: bytes) -> None:
    if not hmac.compare_digest(got, wanted):
        raise MediaError(complaint)
