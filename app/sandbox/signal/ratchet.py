"""The double ratchet: one session's state, and what a sent or received message makes of it.

States are values: `encrypt` and `decrypt` return the next state and leave theirs as it was, so a
message that fails to decrypt changes nothing. Constants and labels are those of libsignal.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.sandbox.signal.curve import KeyPair, dh
from app.sandbox.signal.errors import BadMessage, OldCounter
from app.sandbox.signal.wireformat import MAC_LENGTH, SignalMessage, signed_part, typed_key

MAX_SKIPPED = 2000
MAX_RECEIVER_CHAINS = 5


@dataclass(frozen=True)
class ChainKey:
    """A symmetric chain: its key and the counter of the next message."""

    key: bytes
    index: int = 0

    def message_seed(self) -> bytes:
        """Returns the 32 bytes from which this position's message keys are derived."""
        return hmac.digest(self.key, b"\x01", "sha256")

    def next(self) -> "ChainKey":
        """Returns the chain one message further."""
        return ChainKey(hmac.digest(self.key, b"\x02", "sha256"), self.index + 1)


@dataclass(frozen=True)
class ReceiverChain:
    """What the other side sends under one of its ratchet keys; `skipped` is counter -> seed."""

    ratchet_key: bytes
    chain: ChainKey
    skipped: Mapping[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Pending:
    """What our messages repeat until the other side has answered in this session."""

    prekey_id: int | None
    signed_prekey_id: int


@dataclass(frozen=True)
class RatchetState:
    """One session. `base_key` is the opener's base key and tells sessions of one address apart."""

    local_identity: bytes
    remote_identity: bytes
    base_key: bytes
    root_key: bytes
    sender_ratchet: KeyPair
    sender_chain: ChainKey
    previous_counter: int = 0
    receiver_chains: tuple[ReceiverChain, ...] = ()
    pending: Pending | None = None


@dataclass(frozen=True)
class _MessageKeys:
    cipher: bytes
    mac: bytes
    iv: bytes


def hkdf(secret: bytes, info: bytes, length: int, salt: bytes | None = None) -> bytes:
    """Returns `length` bytes of HKDF-SHA256."""
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def step_root(root_key: bytes, private: bytes, public: bytes) -> tuple[bytes, ChainKey]:
    """Returns the next root key and the chain that starts with it."""
    derived = hkdf(dh(private, public), b"WhisperRatchet", 64, salt=root_key)
    return derived[:32], ChainKey(derived[32:])


def encrypt(state: RatchetState, plaintext: bytes) -> tuple[RatchetState, bytes]:
    """Returns the state after this message, and the bytes of the SignalMessage."""
    keys = _message_keys(state.sender_chain.message_seed())
    padder = padding.PKCS7(128).padder()
    padded = padder.update(plaintext) + padder.finalize()
    encryptor = Cipher(algorithms.AES(keys.cipher), modes.CBC(keys.iv)).encryptor()
    message = SignalMessage(
        ratchet_key=state.sender_ratchet.public,
        counter=state.sender_chain.index,
        previous_counter=state.previous_counter,
        ciphertext=encryptor.update(padded) + encryptor.finalize(),
    )
    signed = signed_part(message)
    mac = _mac(keys, state.local_identity, state.remote_identity, signed)
    return replace(state, sender_chain=state.sender_chain.next()), signed + mac


def decrypt(state: RatchetState, message: SignalMessage) -> tuple[RatchetState, bytes]:
    """Returns the state after this message, and its plaintext. Raises OldCounter, BadMessage."""
    state = _with_chain_for(state, message.ratchet_key)
    position = _chain_position(state, message.ratchet_key)
    chain, seed = _take_seed(state.receiver_chains[position], message.counter)
    keys = _message_keys(seed)
    expected = _mac(keys, state.remote_identity, state.local_identity, message.signed)
    if not hmac.compare_digest(expected, message.mac):
        raise BadMessage("authentication code does not match")
    chains = list(state.receiver_chains)
    chains[position] = chain
    plaintext = _open(keys, message.ciphertext)
    return replace(state, receiver_chains=tuple(chains), pending=None), plaintext


def _with_chain_for(state: RatchetState, ratchet_key: bytes) -> RatchetState:
    """Returns the state with a receiver chain for this key, turning the ratchet if it is new."""
    if _chain_position(state, ratchet_key) >= 0:
        return state
    try:
        root, received = step_root(state.root_key, state.sender_ratchet.private, ratchet_key)
        ours = KeyPair.generate()
        root, sending = step_root(root, ours.private, ratchet_key)
    except ValueError as error:
        raise BadMessage("ratchet key of low order") from error
    chains = (*state.receiver_chains, ReceiverChain(ratchet_key, received))
    return replace(
        state,
        root_key=root,
        sender_ratchet=ours,
        sender_chain=sending,
        previous_counter=max(state.sender_chain.index - 1, 0),
        receiver_chains=chains[-MAX_RECEIVER_CHAINS:],
    )


def _chain_position(state: RatchetState, ratchet_key: bytes) -> int:
    for position, chain in enumerate(state.receiver_chains):
        if chain.ratchet_key == ratchet_key:
            return position
    return -1


def _take_seed(receiver: ReceiverChain, counter: int) -> tuple[ReceiverChain, bytes]:
    chain, skipped, seed = take_seed(receiver.chain, receiver.skipped, counter)
    return replace(receiver, chain=chain, skipped=skipped), seed


def take_seed(
    chain: ChainKey, known: Mapping[int, bytes], counter: int
) -> tuple[ChainKey, dict[int, bytes], bytes]:
    """Returns the chain after reading `counter`, the seeds skipped so far (`known` are those from
    before), and the seed of that message's keys. Raises OldCounter, BadMessage."""
    skipped = dict(known)
    if counter < chain.index:
        if counter not in skipped:
            raise OldCounter(f"counter {counter}, expected {chain.index}")
        seed = skipped.pop(counter)
        return chain, skipped, seed
    if counter - chain.index > MAX_SKIPPED:
        raise BadMessage("message too far in the future")
    while chain.index < counter:
        skipped[chain.index] = chain.message_seed()
        chain = chain.next()
    while len(skipped) > MAX_SKIPPED:
        del skipped[next(iter(skipped))]
    return chain.next(), skipped, chain.message_seed()


def _message_keys(seed: bytes) -> _MessageKeys:
    derived = hkdf(seed, b"WhisperMessageKeys", 80)
    return _MessageKeys(derived[:32], derived[32:64], derived[64:])


def _mac(keys: _MessageKeys, sender: bytes, receiver: bytes, signed: bytes) -> bytes:
    data = typed_key(sender) + typed_key(receiver) + signed
    return hmac.digest(keys.mac, data, "sha256")[:MAC_LENGTH]


def _open(keys: _MessageKeys, ciphertext: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(keys.cipher), modes.CBC(keys.iv)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    try:
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise BadMessage("ciphertext is not whole") from error
