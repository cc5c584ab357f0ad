"""Opening a session (X3DH): from a bundle of prekeys, or from the other side's first message."""

from dataclasses import dataclass

from app.sandbox.signal.curve import KeyPair, dh, verify
from app.sandbox.signal.errors import BadMessage
from app.sandbox.signal.ratchet import (
    ChainKey,
    Pending,
    RatchetState,
    ReceiverChain,
    hkdf,
    step_root,
)
from app.sandbox.signal.wireformat import typed_key

# Keeps the secret of Curve25519 agreements apart from that of other curves (X3DH, section 2.2).
_DISCONTINUITY = b"\xff" * 32


@dataclass(frozen=True)
class PreKeyBundle:
    """What a device publishes so that others can write to it first. Keys are 32 raw bytes."""

    registration_id: int
    identity: bytes
    signed_prekey_id: int
    signed_prekey: bytes
    signed_prekey_signature: bytes
    prekey_id: int | None = None
    prekey: bytes | None = None


def open_as_sender(identity: KeyPair, bundle: PreKeyBundle) -> RatchetState:
    """Returns a session with the bundle's owner. Raises BadMessage for a wrong signature or key."""
    signed = typed_key(bundle.signed_prekey)
    if not verify(bundle.identity, signed, bundle.signed_prekey_signature):
        raise BadMessage("signature of the signed prekey does not match")
    base, ratchet = KeyPair.generate(), KeyPair.generate()
    agreements = [
        (identity.private, bundle.signed_prekey),
        (base.private, bundle.identity),
        (base.private, bundle.signed_prekey),
    ]
    if bundle.prekey is not None:
        agreements.append((base.private, bundle.prekey))
    root, received = _derive(agreements)
    root, sending = step_root(root, ratchet.private, bundle.signed_prekey)
    return RatchetState(
        local_identity=identity.public,
        remote_identity=bundle.identity,
        base_key=base.public,
        root_key=root,
        sender_ratchet=ratchet,
        sender_chain=sending,
        receiver_chains=(ReceiverChain(bundle.signed_prekey, received),),
        pending=Pending(bundle.prekey_id, bundle.signed_prekey_id),
    )


def open_as_receiver(
    identity: KeyPair,
    signed_prekey: KeyPair,
    prekey: KeyPair | None,
    *,
    their_identity: bytes,
    their_base: bytes,
) -> RatchetState:
    """Returns the session that the other side opened with these keys. Raises BadMessage."""
    agreements = [
        (signed_prekey.private, their_identity),
        (identity.private, their_base),
        (signed_prekey.private, their_base),
    ]
    if prekey is not None:
        agreements.append((prekey.private, their_base))
    root, chain = _derive(agreements)
    return RatchetState(
        local_identity=identity.public,
        remote_identity=their_identity,
        base_key=their_base,
        root_key=root,
        sender_ratchet=signed_prekey,
        sender_chain=chain,
    )


def _derive(agreements: list[tuple[bytes, bytes]]) -> tuple[bytes, ChainKey]:
    try:
        secrets = [dh(private, public) for private, public in agreements]
    except ValueError as error:
        raise BadMessage("public key of low order") from error
    derived = hkdf(_DISCONTINUITY + b"".join(secrets), b"WhisperText", 64)
    return derived[:32], ChainKey(derived[32:])
