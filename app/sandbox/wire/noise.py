"""The server's side of Noise_XX_25519_AESGCM_SHA256, and the channel that follows it.

Source: the Noise specification and whatsmeow's socket package. WhatsApp mixes the connection's
first four bytes ("WA", 6, dictionary version) into the hash as the prologue.
"""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from google.protobuf.message import DecodeError

from app.sandbox.protos import HandshakeMessage
from app.sandbox.signal import curve
from app.sandbox.wire import tokens

PROLOGUE = b"WA" + bytes((6, tokens.DICTIONARY_VERSION))
PATTERN = b"Noise_XX_25519_AESGCM_SHA256\0\0\0\0"


class NoiseError(Exception):
    """The peer's handshake or a frame of it cannot be trusted."""


def _sha256(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


def _two_keys(salt: bytes, secret: bytes) -> tuple[bytes, bytes]:
    okm = HKDF(hashes.SHA256(), 64, salt, b"").derive(secret)
    return okm[:32], okm[32:]


def _parse(message: bytes) -> Any:
    try:
        return HandshakeMessage.FromString(message)
    except DecodeError:
        raise NoiseError("not a handshake message") from None


def _agree(private: bytes, public: bytes) -> bytes:
    try:
        return curve.dh(private, public)
    except ValueError:
        raise NoiseError("a public key that gives no secret") from None


class Cipher:
    """AES-GCM under one key, its nonce a counter: 8 zero bytes and 32 bits big-endian."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)
        self._counter = 0

    def _nonce(self) -> bytes:
        nonce = self._counter.to_bytes(12, "big")
        self._counter += 1
        return nonce

    def seal(self, plaintext: bytes, associated: bytes = b"") -> bytes:
        """Return `plaintext` encrypted under the next nonce."""
        return self._aead.encrypt(self._nonce(), plaintext, associated)

    def open(self, ciphertext: bytes, associated: bytes = b"") -> bytes:
        """Return the plaintext of the next frame; raises NoiseError when it is not authentic."""
        try:
            return self._aead.decrypt(self._nonce(), ciphertext, associated)
        except InvalidTag:
            raise NoiseError("a frame failed authentication") from None


class ServerHandshake:
    """Call `answer` with the client's hello, `finish` with its second message, then `channel`."""

    def __init__(self, static: curve.KeyPair, certificate: bytes) -> None:
        self._static = static
        self._certificate = certificate
        self._ephemeral = curve.KeyPair.generate()
        self._hash = self._chain = PATTERN
        self._cipher = Cipher(PATTERN)
        self._mix_hash(PROLOGUE)
        self.client_static = b""

    def answer(self, hello: bytes) -> bytes:
        """Return the server's hello: ephemeral, encrypted static, encrypted certificate chain."""
        client_ephemeral = bytes(_parse(hello).clientHello.ephemeral)
        if len(client_ephemeral) != 32:
            raise NoiseError("the client sent no ephemeral key")
        self._mix_hash(client_ephemeral)
        self._mix_hash(self._ephemeral.public)
        self._mix_key(_agree(self._ephemeral.private, client_ephemeral))
        static = self._seal(self._static.public)
        self._mix_key(_agree(self._static.private, client_ephemeral))
        reply = HandshakeMessage()
        reply.serverHello.ephemeral = self._ephemeral.public
        reply.serverHello.static = static
        reply.serverHello.payload = self._seal(self._certificate)
        return bytes(reply.SerializeToString())

    def finish(self, message: bytes) -> bytes:
        """Return the client's payload and keep its static key; raises NoiseError."""
        final = _parse(message).clientFinish
        self.client_static = self._open(final.static)
        self._mix_key(_agree(self._ephemeral.private, self.client_static))
        return self._open(final.payload)

    def channel(self) -> tuple[Cipher, Cipher]:
        """Return the ciphers (client to server, server to client) of the finished handshake."""
        receive, send = _two_keys(self._chain, b"")
        return Cipher(receive), Cipher(send)

    def _mix_hash(self, data: bytes) -> None:
        self._hash = _sha256(self._hash + data)

    def _mix_key(self, secret: bytes) -> None:
        self._chain, key = _two_keys(self._chain, secret)
        self._cipher = Cipher(key)

    def _seal(self, plaintext: bytes) -> bytes:
        ciphertext = self._cipher.seal(plaintext, self._hash)
        self._mix_hash(ciphertext)
        return ciphertext

    def _open(self, ciphertext: bytes) -> bytes:
        plaintext = self._cipher.open(ciphertext, self._hash)
        self._mix_hash(ciphertext)
        return plaintext
