"""Curve25519 key pairs: agreement, and XEdDSA signatures as libsignal makes them.

Public keys are 32 raw bytes here; the 0x05 type byte of Signal's encoding is added where a message
format wants it (wireformat.py).
"""

import hashlib
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from app.sandbox.signal import edwards

KEY_LENGTH = 32
SIGNATURE_LENGTH = 64
# hash_1 of the XEdDSA specification, section 2.5: keeps the nonce's hash apart from the others.
_NONCE_PREFIX = b"\xfe" + b"\xff" * 31


@dataclass(frozen=True)
class KeyPair:
    """A Curve25519 private key (clamped) and its public key, 32 raw bytes each."""

    private: bytes
    public: bytes

    @classmethod
    def generate(cls) -> "KeyPair":
        """Returns a new random pair."""
        return cls.from_private(os.urandom(KEY_LENGTH))

    @classmethod
    def from_private(cls, private: bytes) -> "KeyPair":
        """Returns the pair of this private key, which is clamped if it is not yet."""
        clamped = _clamp(private)
        public = X25519PrivateKey.from_private_bytes(clamped).public_key()
        return cls(clamped, public.public_bytes_raw())


def _clamp(private: bytes) -> bytes:
    scalar = bytearray(private)
    scalar[0] &= 248
    scalar[31] = scalar[31] & 127 | 64
    return bytes(scalar)


def dh(private: bytes, public: bytes) -> bytes:
    """Returns the 32-byte shared secret. Raises ValueError for a public key of low order."""
    key = X25519PrivateKey.from_private_bytes(private)
    return key.exchange(X25519PublicKey.from_public_bytes(public))


def sign(private: bytes, message: bytes) -> bytes:
    """Returns a 64-byte XEdDSA signature.

    Like libsignal, the scalar is used as it is and the sign of the Edwards public key travels in
    the top bit of the signature (the XEdDSA specification negates the scalar instead).
    """
    private = _clamp(private)
    scalar = int.from_bytes(private, "little")
    public = edwards.multiply_base(scalar)
    nonce = _hash_to_scalar(_NONCE_PREFIX, private, message, os.urandom(64))
    commitment = edwards.multiply_base(nonce)
    challenge = _hash_to_scalar(commitment, public, message)
    response = bytearray(((nonce + challenge * scalar) % edwards.ORDER).to_bytes(32, "little"))
    response[31] |= public[31] & 0x80
    return commitment + bytes(response)


def _hash_to_scalar(*parts: bytes) -> int:
    digest = hashlib.sha512(b"".join(parts)).digest()
    return int.from_bytes(digest, "little") % edwards.ORDER


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Returns whether `signature` is the XEdDSA signature of `message` by this Curve25519 key."""
    if len(signature) != SIGNATURE_LENGTH or len(public) != KEY_LENGTH:
        return False
    plain = bytearray(signature)
    sign_bit = plain[63] >> 7
    plain[63] &= 0x7F
    try:
        edwards_key = edwards.montgomery_to_edwards(public, sign_bit)
        Ed25519PublicKey.from_public_bytes(edwards_key).verify(bytes(plain), message)
    except (InvalidSignature, ValueError):
        return False
    return True
