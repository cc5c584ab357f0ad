"""Session states as JSON values, and back. Byte strings are hexadecimal."""

from typing import Any

from app.sandbox.signal.curve import KeyPair
from app.sandbox.signal.ratchet import ChainKey, Pending, RatchetState, ReceiverChain


def load_pair(private: str) -> KeyPair:
    """Returns the key pair of a private key in hexadecimal."""
    return KeyPair.from_private(bytes.fromhex(private))


def dump_state(state: RatchetState) -> dict[str, Any]:
    """Returns one session state as JSON values."""
    return {
        "local_identity": state.local_identity.hex(),
        "remote_identity": state.remote_identity.hex(),
        "base_key": state.base_key.hex(),
        "root_key": state.root_key.hex(),
        "sender_ratchet": state.sender_ratchet.private.hex(),
        "sender_chain": _dump_chain(state.sender_chain),
        "previous_counter": state.previous_counter,
        "receiver_chains": [_dump_receiver(chain) for chain in state.receiver_chains],
        "pending": state.pending and [state.pending.prekey_id, state.pending.signed_prekey_id],
    }


def load_state(data: dict[str, Any]) -> RatchetState:
    """Returns the state that `dump_state` described."""
    return RatchetState(
        local_identity=bytes.fromhex(data["local_identity"]),
        remote_identity=bytes.fromhex(data["remote_identity"]),
        base_key=bytes.fromhex(data["base_key"]),
        root_key=bytes.fromhex(data["root_key"]),
        sender_ratchet=load_pair(data["sender_ratchet"]),
        sender_chain=_load_chain(data["sender_chain"]),
        previous_counter=data["previous_counter"],
        receiver_chains=tuple(_load_receiver(chain) for chain in data["receiver_chains"]),
        pending=Pending(*data["pending"]) if data["pending"] else None,
    )


def _dump_chain(chain: ChainKey) -> dict[str, Any]:
    return {"key": chain.key.hex(), "index": chain.index}


def _load_chain(data: dict[str, Any]) -> ChainKey:
    return ChainKey(bytes.fromhex(data["key"]), data["index"])


def _dump_receiver(receiver: ReceiverChain) -> dict[str, Any]:
    skipped = {str(counter): seed.hex() for counter, seed in receiver.skipped.items()}
    return {
        "ratchet_key": receiver.ratchet_key.hex(),
        "chain": _dump_chain(receiver.chain),
        "skipped": skipped,
    }


def _load_receiver(data: dict[str, Any]) -> ReceiverChain:
    skipped = {int(counter): bytes.fromhex(seed) for counter, seed in data["skipped"].items()}
    return ReceiverChain(bytes.fromhex(data["ratchet_key"]), _load_chain(data["chain"]), skipped)
