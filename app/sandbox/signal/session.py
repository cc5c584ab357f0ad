"""One device's side of the Signal protocol: its keys, and its sessions by address.

Not thread-safe: each device belongs to one thread or event loop. An address is any string; whoever
calls decides how a device is named. Identities are not pinned: a new one simply opens a new
session, as a phone that was set up again does.
"""

import os
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from app.sandbox.signal import ratchet, storage, wireformat
from app.sandbox.signal.curve import KeyPair, sign
from app.sandbox.signal.errors import BadMessage, NoSession, OldCounter, SignalError
from app.sandbox.signal.ratchet import RatchetState
from app.sandbox.signal.wireformat import PreKeyMessage, SignalMessage
from app.sandbox.signal.x3dh import PreKeyBundle, open_as_receiver, open_as_sender

__all__ = [
    "BadMessage",
    "Kind",
    "NoSession",
    "OldCounter",
    "PreKeyBundle",
    "SignalDevice",
    "SignalError",
]

Kind: TypeAlias = Literal["pkmsg", "msg"]
MAX_ARCHIVED = 40
_SIGNED_PREKEY_ID = 1


@dataclass
class _Record:
    """The sessions with one address: states[0] is current, the others are archived."""

    states: list[RatchetState]

    def promote(self, state: RatchetState) -> None:
        self.states = [state, *self.states][: 1 + MAX_ARCHIVED]


class SignalDevice:
    """The long-term state of one device: identity, prekeys and sessions."""

    def __init__(self) -> None:
        self.identity = KeyPair.generate()
        self.registration_id = int.from_bytes(os.urandom(2), "big") % 16380 + 1
        self._signed_prekey = KeyPair.generate()
        self._prekeys: dict[int, KeyPair] = {}
        self._next_prekey_id = 1
        self._records: dict[str, _Record] = {}

    def bundle(self, one_time: bool = True) -> PreKeyBundle:
        """Returns what others need to write first; a new one-time prekey each time, if wanted."""
        signed = wireformat.typed_key(self._signed_prekey.public)
        prekey_id, prekey = self._new_prekey() if one_time else (None, None)
        return PreKeyBundle(
            registration_id=self.registration_id,
            identity=self.identity.public,
            signed_prekey_id=_SIGNED_PREKEY_ID,
            signed_prekey=self._signed_prekey.public,
            signed_prekey_signature=sign(self.identity.private, signed),
            prekey_id=prekey_id,
            prekey=prekey,
        )

    def _new_prekey(self) -> tuple[int, bytes]:
        prekey_id, pair = self._next_prekey_id, KeyPair.generate()
        self._prekeys[prekey_id] = pair
        self._next_prekey_id += 1
        return prekey_id, pair.public

    def start(self, address: str, bundle: PreKeyBundle) -> None:
        """Opens a session to `address`; a current one is archived. Raises BadMessage."""
        state = open_as_sender(self.identity, bundle)
        self._records.setdefault(address, _Record([])).promote(state)

    def has_session(self, address: str) -> bool:
        """Returns whether `encrypt` to this address would work."""
        return address in self._records

    def forget(self, address: str) -> None:
        """Drops every session with this address, if there are any."""
        self._records.pop(address, None)

    def encrypt(self, address: str, plaintext: bytes) -> tuple[Kind, bytes]:
        """Returns the message for `address`: "pkmsg" until it has answered. Raises NoSession."""
        record = self._records.get(address)
        if record is None:
            raise NoSession(address)
        before = record.states[0]
        record.states[0], message = ratchet.encrypt(before, plaintext)
        if before.pending is None:
            return "msg", message
        opening = PreKeyMessage(
            registration_id=self.registration_id,
            prekey_id=before.pending.prekey_id,
            signed_prekey_id=before.pending.signed_prekey_id,
            base_key=before.base_key,
            identity=self.identity.public,
            message=message,
        )
        return "pkmsg", wireformat.encode_prekey(opening)

    def decrypt(self, address: str, kind: Kind, ciphertext: bytes) -> bytes:
        """Returns the plaintext. Raises OldCounter, NoSession, BadMessage; then nothing changed."""
        if kind == "pkmsg":
            return self._decrypt_opening(address, wireformat.parse_prekey(ciphertext))
        record = self._records.get(address)
        if record is None:
            raise NoSession(address)
        return _decrypt_with(record, wireformat.parse_signal(ciphertext))

    def _decrypt_opening(self, address: str, opening: PreKeyMessage) -> bytes:
        message = wireformat.parse_signal(opening.message)
        record = self._records.get(address, _Record([]))
        if any(state.base_key == opening.base_key for state in record.states):
            return _decrypt_with(record, message)
        state, plaintext = ratchet.decrypt(self._session_from(opening), message)
        record.promote(state)
        self._records[address] = record
        if opening.prekey_id is not None:
            del self._prekeys[opening.prekey_id]
        return plaintext

    def _session_from(self, opening: PreKeyMessage) -> RatchetState:
        if opening.signed_prekey_id != _SIGNED_PREKEY_ID:
            raise BadMessage(f"no signed prekey {opening.signed_prekey_id}")
        prekey = None
        if opening.prekey_id is not None:
            prekey = self._prekeys.get(opening.prekey_id)
            if prekey is None:
                raise BadMessage(f"no one-time prekey {opening.prekey_id}")
        return open_as_receiver(
            self.identity,
            self._signed_prekey,
            prekey,
            their_identity=opening.identity,
            their_base=opening.base_key,
        )

    def dump(self) -> dict[str, Any]:
        """Returns everything `load` needs, as JSON values. It holds private keys."""
        return {
            "identity": self.identity.private.hex(),
            "registration_id": self.registration_id,
            "signed_prekey": self._signed_prekey.private.hex(),
            "next_prekey_id": self._next_prekey_id,
            "prekeys": {str(id_): pair.private.hex() for id_, pair in self._prekeys.items()},
            "sessions": {
                address: [storage.dump_state(state) for state in record.states]
                for address, record in self._records.items()
            },
        }

    @classmethod
    def load(cls, data: dict[str, Any]) -> "SignalDevice":
        """Returns the device that `dump` described."""
        device = cls()
        device.identity = storage.load_pair(data["identity"])
        device.registration_id = data["registration_id"]
        device._signed_prekey = storage.load_pair(data["signed_prekey"])
        device._next_prekey_id = data["next_prekey_id"]
        device._prekeys = {int(id_): storage.load_pair(p) for id_, p in data["prekeys"].items()}
        device._records = {
            address: _Record([storage.load_state(state) for state in states])
            for address, states in data["sessions"].items()
        }
        return device


def _decrypt_with(record: _Record, message: SignalMessage) -> bytes:
    """Tries the current session, then the archived ones; the one that fits becomes current."""
    old: OldCounter | None = None
    for position, state in enumerate(record.states):
        try:
            state, plaintext = ratchet.decrypt(state, message)
        except OldCounter as error:
            old = old or error
        except BadMessage:
            continue
        else:
            del record.states[position]
            record.promote(state)
            return plaintext
    raise old or BadMessage("no session fits this message")
