"""The certificate chain the engine checks inside the Noise handshake.

The root's key is pinned in the engine (whatsmeow's WACertPubKey); `app.sandbox.trust` puts ours
in its place. The intermediate must name issuer serial 0, the leaf the intermediate's serial.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.sandbox.protos import CertChain, NoiseCertificateDetails
from app.sandbox.signal import curve

_INTERMEDIATE_SERIAL = 1
_LEAF_SERIAL = 2
_VALIDITY = timedelta(days=365)
_CLOCK_SKEW = timedelta(days=1)


def chain(root: curve.KeyPair, static_public: bytes, now: datetime) -> bytes:
    """Return a serialized chain for the server's Noise key, good for a year from `now`."""
    intermediate = curve.KeyPair.generate()
    message = CertChain()
    message.intermediate.details = _details(_INTERMEDIATE_SERIAL, 0, intermediate.public, now)
    message.intermediate.signature = curve.sign(root.private, message.intermediate.details)
    message.leaf.details = _details(_LEAF_SERIAL, _INTERMEDIATE_SERIAL, static_public, now)
    message.leaf.signature = curve.sign(intermediate.private, message.leaf.details)
    return bytes(message.SerializeToString())


def _details(serial: int, issuer: int, key: bytes, now: datetime) -> bytes:
    details = NoiseCertificateDetails(
        serial=serial,
        issuerSerial=issuer,
        key=key,
        notBefore=int((now.astimezone(UTC) - _CLOCK_SKEW).timestamp()),
        notAfter=int((now.astimezone(UTC) + _VALIDITY).timestamp()),
    )
    return bytes(details.SerializeToString())
