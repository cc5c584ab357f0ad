"""The client's side of the Noise handshake, written for tests alone."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.sandbox.protos import HandshakeMessage
from app.sandbox.signal import curve


class Client:
    """The initiator of Noise XX, straight from the specification."""

    def __init__(self) -> None:
        self.static, self.ephemeral = curve.KeyPair.generate(), curve.KeyPair.generate()
        self.hash = self.chain = self.key = b"Noise_XX_25519_AESGCM_SHA256\0\0\0\0"
        self.counter = 0
        self.mix(b"WA\x06\x03")
        self.mix(self.ephemeral.public)

    def mix(self, data: bytes) -> None:
        self.hash = hashlib.sha256(self.hash + data).digest()

    def agree(self, private: bytes, public: bytes) -> None:
        okm = HKDF(hashes.SHA256(), 64, self.chain, b"").derive(curve.dh(private, public))
        self.chain, self.key, self.counter = okm[:32], okm[32:], 0

    def nonce(self) -> bytes:
        self.counter += 1
        return bytes(8) + (self.counter - 1).to_bytes(4, "big")

    def open(self, data: bytes) -> bytes:
        plain = AESGCM(self.key).decrypt(self.nonce(), data, self.hash)
        self.mix(data)
        return plain

    def seal(self, data: bytes) -> bytes:
        sealed = AESGCM(self.key).encrypt(self.nonce(), data, self.hash)
        self.mix(sealed)
        return sealed

    def hello(self) -> bytes:
        message = HandshakeMessage()
        message.clientHello.ephemeral = self.ephemeral.public
        return bytes(message.SerializeToString())

    def finish(self, answer: bytes, payload: bytes) -> tuple[bytes, bytes, bytes]:
        """Return the server's static key, its certificate, and the client's last message."""
        server = HandshakeMessage.FromString(answer).serverHello
        self.mix(server.ephemeral)
        self.agree(self.ephemeral.private, server.ephemeral)
        static = self.open(server.static)
        self.agree(self.ephemeral.private, static)
        certificate = self.open(server.payload)
        message = HandshakeMessage()
        message.clientFinish.static = self.seal(self.static.public)
        self.agree(self.static.private, server.ephemeral)
        message.clientFinish.payload = self.seal(payload)
        return static, certificate, bytes(message.SerializeToString())

    def channel(self) -> tuple[AESGCM, AESGCM]:
        """The ciphers of what goes to the server and of what comes from it."""
        okm = HKDF(hashes.SHA256(), 64, self.chain, b"").derive(b"")
        return AESGCM(okm[:32]), AESGCM(okm[32:])
