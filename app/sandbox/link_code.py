"""Linking a device by a code that is typed on the phone: what the server and the phone do.

The device asks for a code for one number (companion_hello), and shows it. Whoever types it there
lets the phone answer with a key of its own, wrapped with the code (primary_hello); the device
answers with its keys (companion_finish), which only a phone that was told the right code can read.
Then it is linked as after a scan. Sources: whatsmeow's pair-code.go.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.sandbox.clock import stamp
from app.sandbox.connection import Connection
from app.sandbox.network import Network
from app.sandbox.pairing import ScanError, offer_of
from app.sandbox.signal import curve
from app.sandbox.wire.jid import SERVER
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import Account

TAG = "link_code_companion_reg"
_ITERATIONS = 131_072
_SALT, _IV, _NONCE, _KEY = 32, 16, 12, 32
_BUNDLE_PURPOSE = b"link_code_pairing_key_bundle_encryption_key"
_ADV_PURPOSE = b"adv_secret"
_ANSWER_SECONDS = 15
# The device's codes run out after 60 s and five times 20 s, and its connection with them.
_CODE_SECONDS = 165


@dataclass(slots=True)
class LinkCode:
    """A device that waits for its code to be typed on the phone of `number`."""

    connection: Connection
    number: str
    wrapped_key: bytes
    ref: bytes = field(default_factory=lambda: secrets.token_urlsafe(24).encode())
    started: float = field(default_factory=time.monotonic)
    finish: asyncio.Future[Node] | None = None

    @property
    def expired(self) -> bool:
        """Whether the code can be typed no more."""
        late = time.monotonic() - self.started > _CODE_SECONDS
        return late or self.connection.closed


def hello(connection: Connection, node: Node) -> bytes:
    """Note that the device shows a code for a number; return the reference of the attempt."""
    number = node.jid("jid").user
    wrapped = node.child("link_code_pairing_wrapped_companion_ephemeral_pub").data
    made = LinkCode(connection, number, wrapped)
    connection.network.link_codes[number] = made
    return made.ref


def finish(connection: Connection, node: Node) -> None:
    """Hand the device's answer to the phone that waits for it."""
    waiting = connection.network.link_codes.get(node.jid("jid").user)
    if waiting and waiting.finish and not waiting.finish.done():
        waiting.finish.set_result(node)


def find(network: Network, number: str) -> LinkCode:
    """Return the device that shows a code for `number`; raises ScanError."""
    found = network.link_codes.get(number)
    if found is None:
        raise ScanError("no device waits for a code on this number")
    if found.expired:
        raise ScanError("this code has expired")
    return found


async def type_in(network: Network, account: Account, waiting: LinkCode, code: str) -> bytes:
    """Let the phone answer the device with `code`, and return the secret both of them know then.

    Raises ScanError when the code is wrong or the device does not answer.
    """
    typed = code.replace("-", "").replace(" ", "").upper().encode()
    own = curve.KeyPair.generate()
    theirs = _unwrap(typed, waiting.wrapped_key)
    waiting.finish = asyncio.get_running_loop().create_future()
    waiting.connection.send(_primary_hello(account, waiting, _wrap(typed, own.public)))
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            answer = await waiting.finish
    except TimeoutError:
        raise ScanError("the device did not answer") from None
    shared = curve.dh(own.private, theirs)
    bundle = _open_bundle(shared, answer.child("link_code_pairing_wrapped_key_bundle").data)
    identity, random = bundle[:_KEY], bundle[2 * _KEY :]
    if identity != offer_of(network, waiting.connection).identity:
        raise ScanError("this code does not belong to the device that shows it")
    identities = curve.dh(account.keys.identity.private, identity)
    return _derive(shared + identities + random, None, _ADV_PURPOSE)


def _primary_hello(account: Account, waiting: LinkCode, wrapped: bytes) -> Node:
    content = [
        Node("link_code_pairing_ref", {}, waiting.ref),
        Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped),
        Node("primary_identity_pub", {}, account.keys.identity.public),
    ]
    attrs: dict[str, Value] = {"from": SERVER, "type": TAG, **stamp()}
    return Node("notification", attrs, [Node(TAG, {"stage": "primary_hello"}, content)])


def _wrap(code: bytes, public: bytes) -> bytes:
    salt, iv = secrets.token_bytes(_SALT), secrets.token_bytes(_IV)
    return salt + iv + _masked(code, salt, iv, public)


def _unwrap(code: bytes, wrapped: bytes) -> bytes:
    salt, iv, masked = wrapped[:_SALT], wrapped[_SALT : _SALT + _IV], wrapped[_SALT + _IV :]
    return _masked(code, salt, iv, masked)


def _masked(code: bytes, salt: bytes, iv: bytes, data: bytes) -> bytes:
    """AES in counter mode is its own inverse. A wrong code gives other bytes, and no error."""
    key = hashlib.pbkdf2_hmac("sha256", code, salt, _ITERATIONS, _KEY)
    return Cipher(AES(key), CTR(iv)).encryptor().update(data)


def _open_bundle(shared: bytes, wrapped: bytes) -> bytes:
    salt, sealed = wrapped[:_SALT], wrapped[_SALT:]
    key = _derive(shared, salt, _BUNDLE_PURPOSE)
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
    except InvalidTag:
        raise ScanError("this is not the code that the device shows") from None


def _derive(secret: bytes, salt: bytes | None, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _KEY, salt, purpose).derive(secret)
