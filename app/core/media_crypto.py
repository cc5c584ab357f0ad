"""WhatsApp's encryption of files: AES-256-CBC, then the first ten bytes of an HMAC-SHA256 over the
initialisation vector and the encrypted bytes (whatsmeow, download.go)."""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

from app.core.media import MediaKind

KEY_BYTES = 32
_MAC_BYTES = 10
_EXPANDED_BYTES = 112
_CLASSES = {
    MediaKind.IMAGE: ("Image", "image"),
    MediaKind.STICKER: ("Image", "image"),
    MediaKind.VIDEO: ("Video", "video"),
    MediaKind.GIF: ("Video", "video"),
    MediaKind.AUDIO: ("Audio", "audio"),
    MediaKind.VOICE: ("Audio", "audio"),
    MediaKind.DOCUMENT: ("Document", "document"),
}
"""How the key is derived, and what the media host calls the kind (mms-type)."""


class NotGenuine(Exception):
    """The bytes are not those that the sender encrypted: changed, cut off, or another key's."""


def host_name_of(kind: MediaKind) -> str:
    """What WhatsApp's media host calls this kind."""
    return _CLASSES[kind][1]


class Decryption:
    """Decrypts a file piece by piece. Nothing of it may be used before `finish` has returned: the
    proof that it is genuine stands at its very end."""

    def __init__(self, media_key: bytes, kind: MediaKind) -> None:
        """Raises NotGenuine for a key of the wrong length."""
        if len(media_key) != KEY_BYTES:
            raise NotGenuine("key")
        info = f"WhatsApp {_CLASSES[kind][0]} Keys".encode()
        expanded = HKDF(SHA256(), _EXPANDED_BYTES, salt=None, info=info).derive(media_key)
        iv, cipher_key, mac_key = expanded[:16], expanded[16:48], expanded[48:80]
        self._mac = hmac.new(mac_key, iv, hashlib.sha256)
        self._hash = hashlib.sha256()
        self._decryptor = Cipher(algorithms.AES(cipher_key), modes.CBC(iv)).decryptor()
        self._unpadder = PKCS7(128).unpadder()
        self._tail = b""  # it may be the MAC

    def update(self, piece: bytes) -> bytes:
        """Takes encrypted bytes and returns as many plain ones as are known by now."""
        self._hash.update(piece)
        data = self._tail + piece
        body, self._tail = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
        self._mac.update(body)
        return self._unpadder.update(self._decryptor.update(body))

    def finish(self, encrypted_sha256: bytes | None = None) -> bytes:
        """Returns the last plain bytes. Raises NotGenuine.

        `encrypted_sha256`: the hash of the whole encrypted file, where the sender told it.
        """
        genuine = hmac.compare_digest(self._mac.digest()[:_MAC_BYTES], self._tail)
        if encrypted_sha256 and not hmac.compare_digest(self._hash.digest(), encrypted_sha256):
            genuine = False
        if not genuine:
            raise NotGenuine("mac")
        try:
            last = self._unpadder.update(self._decryptor.finalize())
            return last + self._unpadder.finalize()
        except ValueError as error:
            raise NotGenuine("padding") from error
