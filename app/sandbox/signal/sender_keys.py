"""Sender keys: in a group, what one device writes is encrypted once, with a chain that it has given
to all the others over their own sessions.

Constants, labels and field numbers are those of libsignal (its groups package).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.sandbox.signal.curve import SIGNATURE_LENGTH, KeyPair, sign, verify
from app.sandbox.signal.errors import BadMessage, NoSession
from app.sandbox.signal.ratchet import ChainKey, hkdf, take_seed
from app.sandbox.signal.wireformat import (
    VERSION_BYTE,
    bytes_of,
    check_version,
    decode_fields,
    encode_fields,
    number_of,
    public_key_of,
    typed_key,
)

MAX_CHAINS = 5
"""Chains of one sender that are kept: it may begin a new one while messages of the old travel."""


@dataclass(frozen=True)
class Chain:
    """What one device writes with in one group. `private` is known for our own; `skipped` is
    counter -> seed of messages that have not come yet."""

    id: int
    chain: ChainKey
    public: bytes
    private: bytes = b""
    skipped: Mapping[int, bytes] = field(default_factory=dict)

    @classmethod
    def new(cls) -> "Chain":
        """Returns a chain of our own."""
        pair = KeyPair.generate()
        number = int.from_bytes(os.urandom(4), "big") >> 1
        return cls(number, ChainKey(os.urandom(32)), pair.public, pair.private)

    def distribution(self) -> bytes:
        """Returns the SenderKeyDistributionMessage: what others need to read from here on."""
        return VERSION_BYTE + encode_fields(
            [
                (1, self.id),
                (2, self.chain.index),
                (3, self.chain.key),
                (4, typed_key(self.public)),
            ]
        )


class SenderKeys:
    """One device's chains: its own by group, and those of others by group and address."""

    def __init__(self) -> None:
        self._own: dict[str, Chain] = {}
        self._known: dict[tuple[str, str], list[Chain]] = {}

    def distribution(self, group: str) -> bytes:
        """Returns what the members of `group` need to read what is written next."""
        return self._own.setdefault(group, Chain.new()).distribution()

    def begin_anew(self, group: str) -> None:
        """Forgets the own chain: those who have left must not read what comes."""
        self._own.pop(group, None)

    def encrypt(self, group: str, plaintext: bytes) -> bytes:
        """Returns the SenderKeyMessage for everybody in `group`."""
        own = self._own.setdefault(group, Chain.new())
        ciphertext = _seal(own.chain.message_seed(), plaintext)
        signed = VERSION_BYTE + encode_fields([(1, own.id), (2, own.chain.index), (3, ciphertext)])
        self._own[group] = replace(own, chain=own.chain.next())
        return signed + sign(own.private, signed)

    def learn(self, group: str, address: str, distribution: bytes) -> None:
        """Takes in a SenderKeyDistributionMessage of the device `address`. Raises BadMessage."""
        check_version(distribution)
        fields = decode_fields(distribution[1:])
        start = ChainKey(bytes_of(fields, 3), number_of(fields, 2) or 0)
        chain = Chain(number_of(fields, 1) or 0, start, public_key_of(fields, 4))
        known = self._known.setdefault((group, address), [])
        if not any(one.id == chain.id and one.chain.index <= start.index for one in known):
            known[:] = [chain, *(one for one in known if one.id != chain.id)][:MAX_CHAINS]

    def decrypt(self, group: str, address: str, message: bytes) -> bytes:
        """Returns what `address` wrote. Raises NoSession, OldCounter, BadMessage."""
        check_version(message)
        signed, signature = message[:-SIGNATURE_LENGTH], message[-SIGNATURE_LENGTH:]
        fields = decode_fields(signed[1:])
        known = self._known.get((group, address), [])
        chain_id, counter = number_of(fields, 1) or 0, number_of(fields, 2) or 0
        position = next((at for at, one in enumerate(known) if one.id == chain_id), None)
        if position is None:
            raise NoSession(f"no sender key of {address} in {group}")
        if not verify(known[position].public, signed, signature):
            raise BadMessage("the signature does not match")
        chain, skipped, seed = take_seed(known[position].chain, known[position].skipped, counter)
        plaintext = _open(seed, bytes_of(fields, 3))
        known[position] = replace(known[position], chain=chain, skipped=skipped)
        return plaintext

    def dump(self) -> dict[str, Any]:
        """Returns everything `load` needs, as JSON values. It holds private keys."""
        return {
            "own": {group: _dump(chain) for group, chain in self._own.items()},
            "known": [
                [group, address, [_dump(chain) for chain in chains]]
                for (group, address), chains in self._known.items()
            ],
        }

    @classmethod
    def load(cls, data: dict[str, Any]) -> "SenderKeys":
        """Returns the keys that `dump` described."""
        keys = cls()
        keys._own = {group: _load(chain) for group, chain in data.get("own", {}).items()}
        keys._known = {
            (group, address): [_load(chain) for chain in chains]
            for group, address, chains in data.get("known", [])
        }
        return keys


def _keys(seed: bytes) -> Cipher[modes.CBC]:
    derived = hkdf(seed, b"WhisperGroup", 48)
    return Cipher(algorithms.AES(derived[16:]), modes.CBC(derived[:16]))


def _seal(seed: bytes, plaintext: bytes) -> bytes:
    padder, encryptor = padding.PKCS7(128).padder(), _keys(seed).encryptor()
    padded = padder.update(plaintext) + padder.finalize()
    return encryptor.update(padded) + encryptor.finalize()


def _open(seed: bytes, ciphertext: bytes) -> bytes:
    unpadder, decryptor = padding.PKCS7(128).unpadder(), _keys(seed).decryptor()
    try:
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise BadMessage("ciphertext is not whole") from error


def _dump(chain: Chain) -> list[Any]:
    skipped = [[counter, seed.hex()] for counter, seed in chain.skipped.items()]
    start = [chain.chain.key.hex(), chain.chain.index]
    return [chain.id, *start, chain.public.hex(), chain.private.hex(), skipped]


def _load(data: list[Any]) -> Chain:
    number, key, index, public, private, skipped = data
    seeds = {counter: bytes.fromhex(seed) for counter, seed in skipped}
    start = ChainKey(bytes.fromhex(key), index)
    return Chain(number, start, bytes.fromhex(public), bytes.fromhex(private), seeds)
