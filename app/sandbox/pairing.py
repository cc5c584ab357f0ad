"""Linking a device by QR: the refs a new connection shows, and the phone that scans one.

Source of the signatures and prefixes: whatsmeow's pair.go.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.sandbox.clock import unix_now, utc_now
from app.sandbox.network import Network, NetworkError
from app.sandbox.protos import (
    AdvDeviceIdentity,
    AdvSignedDeviceIdentity,
    AdvSignedDeviceIdentityHmac,
    DeviceProps,
)
from app.sandbox.signal import curve
from app.sandbox.wire.jid import SERVER
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import Account, Companion, Endpoint, SignedPreKey

if TYPE_CHECKING:
    from app.sandbox.connection import Connection

REF_COUNT = 6
# The engine shows the first of six codes for 60 s and the others for 20 s each; the phone is
# given a little longer, for the time between looking and scanning.
FIRST_REF_SECONDS = 60
NEXT_REF_SECONDS = 20
GRACE_SECONDS = 5
# A device's number is one byte on the wire and never given twice.
MAX_DEVICE = 255
_REMEMBERED_REFS = 200 * REF_COUNT
_CONFIRMATION_SECONDS = 15
_ACCOUNT_PREFIX = b"\x06\x00"
_DEVICE_PREFIX = b"\x06\x01"
_SERVER_CLOSES_AFTER = 0.3


class ScanError(NetworkError):
    """The phone cannot link with this code; the text is for a person."""


@dataclass(slots=True)
class PairingOffer:
    """A connection that waits to be linked: the keys it registered with and the codes it shows."""

    connection: Connection
    noise: bytes
    registration: Any  # ClientPayload.DevicePairingRegistrationData
    refs: list[bytes] = field(
        default_factory=lambda: [secrets.token_urlsafe(24).encode() for _ in range(REF_COUNT)]
    )
    started: float = field(default_factory=time.monotonic)
    used: bool = False

    @property
    def identity(self) -> bytes:
        """The identity key of the device that wants to be linked."""
        return bytes(self.registration.eIdent)

    def expired(self, ref: bytes) -> bool:
        """Whether the time to scan this code is over."""
        end = FIRST_REF_SECONDS + NEXT_REF_SECONDS * self.refs.index(ref) + GRACE_SECONDS
        return self.connection.closed or time.monotonic() - self.started > end


@dataclass(frozen=True, slots=True)
class ScannedCode:
    """The parts of a QR text."""

    ref: bytes
    noise: bytes
    identity: bytes
    adv_secret: bytes

    @classmethod
    def parse(cls, text: str) -> ScannedCode:
        """Return the parts; the part up to '#' is optional. Raises ScanError."""
        parts = text.strip().rpartition("#")[2].split(",")
        if len(parts) < 4:
            raise ScanError("this is not a WhatsApp code")
        try:
            noise, identity, secret = (base64.b64decode(p, validate=True) for p in parts[1:4])
        except (binascii.Error, ValueError):
            raise ScanError("this is not a WhatsApp code") from None
        return cls(parts[0].encode(), noise, identity, secret)


def offer(network: Network, connection: Connection, noise: bytes, registration: Any) -> None:
    """Give a connection that wants to be linked its codes."""
    made = PairingOffer(connection, noise, registration)
    network.offers.update(dict.fromkeys(made.refs, made))
    while len(network.offers) > _REMEMBERED_REFS:
        network.offers.pop(next(iter(network.offers)))
    refs = [Node("ref", {}, ref) for ref in made.refs]
    attrs: dict[str, Value] = {"from": SERVER, "type": "set", "xmlns": "md"}
    attrs["id"] = connection.next_id()
    connection.send(Node("iq", attrs, [Node("pair-device", {}, refs)]))


def find_offer(network: Network, code: ScannedCode) -> PairingOffer:
    """Return the connection that shows `code`; raises ScanError when it cannot be linked."""
    found = network.offers.get(code.ref)
    if found is None:
        raise ScanError("this code is not from this network")
    if found.used:
        raise ScanError("this code has been used")
    if found.expired(code.ref):
        raise ScanError("this code has expired")
    if code.noise != found.noise or code.identity != found.identity:
        raise ScanError("this code does not belong to the device that shows it")
    return found


def offer_of(network: Network, connection: Connection) -> PairingOffer:
    """Return what the device on `connection` registered with; raises ScanError."""
    for found in network.offers.values():
        if found.connection is connection and not found.used:
            return found
    raise ScanError("no device waits to be linked there")


async def link(
    network: Network, account: Account, found: PairingOffer, adv_secret: bytes
) -> Endpoint:
    """Link a device to `account` and return it. `adv_secret`: what the device and this phone alone
    know, by which the device believes the phone. Raises ScanError."""
    if account.next_device > MAX_DEVICE:
        raise ScanError("this phone has linked too many devices in its life")
    found.used = True
    endpoint = Endpoint(account, account.next_device)
    account.next_device += 1
    identity = _device_identity(account, found.identity, endpoint.device)
    reply = await _tell_success(found.connection, endpoint, identity, adv_secret)
    _check_signature(account, found.identity, reply)
    network.add_companion(account, _companion(found, endpoint.device))
    network.journal.append("linked", account.number, device=endpoint.device)
    # The engine logs in by itself, on a new connection, after this error.
    found.connection.send(Node("stream:error", {"code": "515"}))
    found.connection.close_later(_SERVER_CLOSES_AFTER)
    return endpoint


async def break_off(network: Network, account: Account, found: PairingOffer) -> None:
    """Let the phone vanish after the scan: the connection ends, and no device is linked."""
    found.used = True
    found.connection.drop()


async def refuse(network: Network, account: Account, found: PairingOffer) -> None:
    """Let the phone give a proof that the device cannot accept: no device is linked."""
    found.used = True
    endpoint = Endpoint(account, account.next_device)
    identity = _device_identity(account, found.identity, endpoint.device)
    unknown_to_the_device = secrets.token_bytes(32)
    await _tell_success(found.connection, endpoint, identity, unknown_to_the_device)


def _device_identity(account: Account, identity: bytes, device: int) -> Any:
    details = AdvDeviceIdentity(
        rawID=secrets.randbits(31), timestamp=int(time.time()), keyIndex=device
    ).SerializeToString()
    keys = account.keys.identity
    return AdvSignedDeviceIdentity(
        details=details,
        accountSignatureKey=keys.public,
        accountSignature=curve.sign(keys.private, _ACCOUNT_PREFIX + details + identity),
    )


async def _tell_success(
    connection: Connection, endpoint: Endpoint, identity: Any, adv_secret: bytes
) -> Node:
    signed = identity.SerializeToString()
    sealed = AdvSignedDeviceIdentityHmac(
        details=signed, HMAC=hmac.digest(adv_secret, signed, hashlib.sha256)
    )
    content = [
        Node("device-identity", {}, sealed.SerializeToString()),
        Node("device", {"jid": endpoint.jid, "lid": endpoint.lid}),
        Node("platform", {"name": "android"}),
    ]
    attrs: dict[str, Value] = {"from": SERVER, "type": "set", "xmlns": "md", "t": unix_now()}
    query = Node("iq", attrs, [Node("pair-success", {}, content)])
    try:
        async with asyncio.timeout(_CONFIRMATION_SECONDS):
            return await connection.ask(query)
    except (TimeoutError, ConnectionError):
        raise ScanError("the device did not confirm the link") from None


def _check_signature(account: Account, identity: bytes, reply: Node) -> None:
    signed = reply.find("pair-device-sign", "device-identity")
    if signed is None:
        raise ScanError("the device refused the link")
    confirmed = AdvSignedDeviceIdentity.FromString(signed.data)
    message = _DEVICE_PREFIX + confirmed.details + identity + account.keys.identity.public
    if not curve.verify(identity, message, confirmed.deviceSignature):
        raise ScanError("the device signed with another key")


def _companion(found: PairingOffer, device: int) -> Companion:
    registration = found.registration
    return Companion(
        number=device,
        identity=found.identity,
        noise=found.noise,
        key_index=device,
        name=str(DeviceProps.FromString(registration.deviceProps).os),
        linked_at=utc_now(),
        registration_id=int.from_bytes(registration.eRegid, "big"),
        signed_prekey=SignedPreKey(
            int.from_bytes(registration.eSkeyID, "big"),
            bytes(registration.eSkeyVal),
            bytes(registration.eSkeySig),
        ),
    )
