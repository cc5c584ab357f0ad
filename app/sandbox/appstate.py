"""App state: what a phone shares with its companions beside messages (push name, contacts, mutes).

Collections of encrypted records that grow by patches. Every patch is sealed twice: with a MAC of
its own and with one of the whole collection, kept as a homomorphic hash of the records' MACs.
Source: whatsmeow's appstate package.
"""

from __future__ import annotations

import hmac
import json
import secrets
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.sandbox.protos import SyncActionData, SyncActionValue, SyncdMutation, SyncdPatch

CRITICAL_BLOCK = "critical_block"
CONTACTS = "critical_unblock_low"
REGULAR_LOW = "regular_low"
REGULAR_HIGH = "regular_high"
NAMES = frozenset({CRITICAL_BLOCK, CONTACTS, REGULAR_LOW, REGULAR_HIGH, "regular"})
"""All collections there are."""
Record = tuple[list[str], Any]
"""What it is about, and the value (SyncActionValue)."""
_MAC_SIZE = 32
_HASH_WORDS = 64
_KEY_ID_SIZE = 6
# The schema versions the phone writes its records with.
_PUSH_NAME_VERSION = 1
_CONTACT_VERSION = 2
_RECORDS_IN_A_PATCH = 1000
_IV_SIZE = 16


class VersionConflict(Exception):
    """A patch that was made for another version of the collection."""


class BadPatch(Exception):
    """A patch that the phone could not read: the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Keys:
    index: bytes
    value_encryption: bytes
    value_mac: bytes
    snapshot_mac: bytes
    patch_mac: bytes

    @classmethod
    def derive(cls, key: bytes) -> _Keys:
        okm = HKDF(hashes.SHA256(), 160, None, b"WhatsApp Mutation Keys").derive(key)
        return cls(*(okm[at : at + 32] for at in range(0, 160, 32)))


@dataclass(slots=True)
class Collection:
    """One named collection: its patches so far, and the hash over the records in force."""

    name: str
    patches: list[bytes] = field(default_factory=list)
    words: list[int] = field(default_factory=lambda: [0] * _HASH_WORDS)
    value_macs: dict[str, str] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """How many patches there are."""
        return len(self.patches)

    def append(self, patch: Any, base: int) -> None:
        """Take a sealed patch made for version `base`; raises VersionConflict."""
        if base != self.version:
            raise VersionConflict(f"{self.name} is at {self.version}, not at {base}")
        self.words, self.value_macs = self.after(patch)
        patch.version.version = base + 1
        self.patches.append(patch.SerializeToString())

    def after(self, patch: Any) -> tuple[list[int], dict[str, str]]:
        """Return the hash and the records' MACs as they are once `patch` is applied."""
        words, macs = list(self.words), dict(self.value_macs)
        for mutation in patch.mutations:
            index = mutation.record.index.blob.hex()
            if index in macs:
                _change(words, bytes.fromhex(macs.pop(index)), -1)
            if mutation.operation == SyncdMutation.SET:
                value_mac = mutation.record.value.blob[-_MAC_SIZE:]
                macs[index] = value_mac.hex()
                _change(words, value_mac, 1)
        return words, macs

    def snapshot_data(self, patch: Any, version: int) -> bytes:
        """Return what the MAC of the whole collection is taken of, once `patch` is applied."""
        words, _ = self.after(patch)
        return struct.pack(f"<{_HASH_WORDS}H", *words) + _u64(version) + self.name.encode()


class AppState:
    """All collections of an account, and the key its phone shares with its companions."""

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        data = data or {}
        self.key_id = bytes.fromhex(data.get("key_id", "")) or secrets.token_bytes(_KEY_ID_SIZE)
        self.key = bytes.fromhex(data.get("key", "")) or secrets.token_bytes(32)
        self._keys = _Keys.derive(self.key)
        self._collections = {
            name: Collection(name, [bytes.fromhex(p) for p in patches], words, macs)
            for name, (patches, words, macs) in data.get("collections", {}).items()
        }

    def collection(self, name: str) -> Collection:
        """Return the collection `name`, empty at first."""
        return self._collections.setdefault(name, Collection(name))

    def set_push_name(self, name: str) -> None:
        """Record the name the account shows to others."""
        value = new_value()
        value.pushNameSetting.name = name
        self._set(CRITICAL_BLOCK, [(["setting_pushName"], value)], _PUSH_NAME_VERSION)

    def set_contact(self, jid: str, full_name: str) -> None:
        """Record an entry of the phone's address book."""
        self.set_contacts([(jid, full_name)])

    def set_contacts(self, entries: Sequence[tuple[str, str]]) -> None:
        """Record entries (JID, full name) of the phone's address book, many in one patch."""
        for first in range(0, len(entries), _RECORDS_IN_A_PATCH):
            records = []
            for jid, full_name in entries[first : first + _RECORDS_IN_A_PATCH]:
                value = new_value()
                value.contactAction.fullName = full_name
                value.contactAction.firstName = full_name.split()[0]
                records.append((["contact", jid], value))
            self._set(CONTACTS, records, _CONTACT_VERSION)

    def set_record(self, name: str, record: Record, version: int) -> None:
        """Record one thing in the collection `name`; `version` is that of its schema."""
        self._set(name, [record], version)

    def read(self, name: str, patch: Any) -> list[Record]:
        """Return what a companion's next patch sets; raises BadPatch for what a phone would not
        take: another key, or a seal that is broken."""
        collection = self.collection(name)
        version = collection.version + 1
        if patch.snapshotMAC != self._snapshot_mac(collection, patch, version):
            raise BadPatch(f"the seal of the whole {name} is wrong")
        if patch.patchMAC != self._patch_mac(collection, patch, version):
            raise BadPatch(f"the seal of a patch to {name} is wrong")
        return [self._opened(mutation) for mutation in patch.mutations]

    def dump(self) -> dict[str, Any]:
        """Return keys and collections, JSON-able."""
        return {
            "key_id": self.key_id.hex(),
            "key": self.key.hex(),
            "collections": {
                c.name: [[p.hex() for p in c.patches], c.words, c.value_macs]
                for c in self._collections.values()
            },
        }

    def _set(self, name: str, records: Sequence[tuple[list[str], Any]], version: int) -> None:
        collection = self.collection(name)
        patch = SyncdPatch()
        patch.keyID.ID = self.key_id
        patch.mutations.extend(self._mutation(index, value, version) for index, value in records)
        next_version = collection.version + 1
        patch.snapshotMAC = self._snapshot_mac(collection, patch, next_version)
        patch.patchMAC = self._patch_mac(collection, patch, next_version)
        collection.append(patch, collection.version)

    def _snapshot_mac(self, collection: Collection, patch: Any, version: int) -> bytes:
        snapshot = collection.snapshot_data(patch, version)
        return hmac.digest(self._keys.snapshot_mac, snapshot, "sha256")

    def _patch_mac(self, collection: Collection, patch: Any, version: int) -> bytes:
        macs = b"".join(m.record.value.blob[-_MAC_SIZE:] for m in patch.mutations)
        sealed = patch.snapshotMAC + macs + _u64(version) + collection.name.encode()
        return hmac.digest(self._keys.patch_mac, sealed, "sha256")

    def _mutation(self, index: list[str], value: Any, version: int) -> Any:
        """Return a SET of one record: iv, AES-CBC of the action, and the MAC over it."""
        raw_index = json.dumps(index, separators=(",", ":")).encode()
        action = SyncActionData(index=raw_index, value=value, padding=b"", version=version)
        content = _encrypt(self._keys.value_encryption, action.SerializeToString())
        mac = self._value_mac(SyncdMutation.SET, content)
        mutation = SyncdMutation(operation=SyncdMutation.SET)
        mutation.record.index.blob = hmac.digest(self._keys.index, raw_index, "sha256")
        mutation.record.value.blob = content + mac
        mutation.record.keyID.ID = self.key_id
        return mutation

    def _value_mac(self, operation: int, content: bytes) -> bytes:
        authenticated = bytes((operation + 1,)) + self.key_id + content
        authenticated += _u64(len(self.key_id) + 1)
        return hmac.digest(self._keys.value_mac, authenticated, "sha512")[:_MAC_SIZE]

    def _opened(self, mutation: Any) -> Record:
        blob = mutation.record.value.blob
        content, mac = blob[:-_MAC_SIZE], blob[-_MAC_SIZE:]
        if self.key_id != mutation.record.keyID.ID:
            raise BadPatch("a record is sealed with a key that the phone does not have")
        if mac != self._value_mac(mutation.operation, content):
            raise BadPatch("the seal of a record is wrong")
        action = SyncActionData.FromString(_decrypt(self._keys.value_encryption, content))
        if mutation.record.index.blob != hmac.digest(self._keys.index, action.index, "sha256"):
            raise BadPatch("a record is not about what it says")
        return json.loads(action.index), action.value


def new_value() -> Any:
    """Return an empty value of now."""
    return SyncActionValue(timestamp=int(time.time() * 1000))


def _change(words: list[int], value_mac: bytes, sign: int) -> None:
    """Add one record to the collection's hash in place, or take it out."""
    spread = HKDF(hashes.SHA256(), 2 * _HASH_WORDS, None, b"WhatsApp Patch Integrity").derive(
        value_mac
    )
    for at, word in enumerate(struct.unpack(f"<{_HASH_WORDS}H", spread)):
        words[at] = (words[at] + sign * word) & 0xFFFF


def _encrypt(key: bytes, plaintext: bytes) -> bytes:
    iv = secrets.token_bytes(_IV_SIZE)
    padder = padding.PKCS7(128).padder()
    padded = padder.update(plaintext) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(padded) + encryptor.finalize()


def _decrypt(key: bytes, content: bytes) -> bytes:
    iv, encrypted = content[:_IV_SIZE], content[_IV_SIZE:]
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    padded = decryptor.update(encrypted) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")
