"""The bytes of Signal messages, version 3: a version byte, protobuf fields, and for a SignalMessage
an 8-byte authentication code. Field numbers are those of libsignal's WhisperTextProtocol.proto.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.sandbox.signal.curve import KEY_LENGTH
from app.sandbox.signal.errors import BadMessage

VERSION = 3
VERSION_BYTE = bytes([VERSION << 4 | VERSION])
MAC_LENGTH = 8
_KEY_TYPE = b"\x05"
_VARINT, _BYTES = 0, 2

_Field = tuple[int, int | bytes]


@dataclass(frozen=True)
class SignalMessage:
    """One ratchet message. `signed` is what its authentication code covers, `mac` that code."""

    ratchet_key: bytes
    counter: int
    previous_counter: int
    ciphertext: bytes
    signed: bytes = b""
    mac: bytes = b""


@dataclass(frozen=True)
class PreKeyMessage:
    """A message that also opens the session it belongs to."""

    registration_id: int
    prekey_id: int | None
    signed_prekey_id: int
    base_key: bytes
    identity: bytes
    message: bytes


def typed_key(public: bytes) -> bytes:
    """Returns a public key as Signal encodes it: the type byte and 32 raw bytes."""
    return _KEY_TYPE + public


def signed_part(message: SignalMessage) -> bytes:
    """Returns the version byte and fields, over which the sender computes the code."""
    # libsignal writes both counters even when they are zero, and checks the code over its own
    # encoding of what it parsed: leaving a zero out would fail there.
    fields: list[_Field] = [
        (1, typed_key(message.ratchet_key)),
        (2, message.counter),
        (3, message.previous_counter),
        (4, message.ciphertext),
    ]
    return VERSION_BYTE + encode_fields(fields)


def parse_signal(data: bytes) -> SignalMessage:
    """Returns the parsed message. Raises BadMessage."""
    check_version(data)
    if len(data) <= 1 + MAC_LENGTH:
        raise BadMessage("signal message too short")
    signed, mac = data[:-MAC_LENGTH], data[-MAC_LENGTH:]
    fields = decode_fields(signed[1:])
    return SignalMessage(
        ratchet_key=public_key_of(fields, 1),
        counter=number_of(fields, 2) or 0,
        previous_counter=number_of(fields, 3) or 0,
        ciphertext=bytes_of(fields, 4),
        signed=signed,
        mac=mac,
    )


def encode_prekey(message: PreKeyMessage) -> bytes:
    """Returns the bytes of a PreKeySignalMessage."""
    fields: list[_Field] = [] if message.prekey_id is None else [(1, message.prekey_id)]
    fields += [
        (2, typed_key(message.base_key)),
        (3, typed_key(message.identity)),
        (4, message.message),
        (5, message.registration_id),
        (6, message.signed_prekey_id),
    ]
    return VERSION_BYTE + encode_fields(fields)


def parse_prekey(data: bytes) -> PreKeyMessage:
    """Returns the parsed message. Raises BadMessage."""
    check_version(data)
    fields = decode_fields(data[1:])
    return PreKeyMessage(
        registration_id=number_of(fields, 5) or 0,
        prekey_id=number_of(fields, 1),
        signed_prekey_id=number_of(fields, 6) or 0,
        base_key=public_key_of(fields, 2),
        identity=public_key_of(fields, 3),
        message=bytes_of(fields, 4),
    )


def check_version(data: bytes) -> None:
    """Raises BadMessage unless this begins as a message of version 3."""
    if not data or data[0] >> 4 != VERSION:
        raise BadMessage("not a version 3 message")


def number_of(fields: dict[int, int | bytes], number: int) -> int | None:
    """Returns a field's number, None where it is missing. Raises BadMessage."""
    value = fields.get(number)
    if isinstance(value, bytes):
        raise BadMessage(f"field {number} is not a number")
    return value


def bytes_of(fields: dict[int, int | bytes], number: int) -> bytes:
    """Returns a field's bytes. Raises BadMessage, where it is missing too."""
    value = fields.get(number)
    if not isinstance(value, bytes):
        raise BadMessage(f"field {number} is missing or not bytes")
    return value


def public_key_of(fields: dict[int, int | bytes], number: int) -> bytes:
    """Returns a field's public key without its type byte. Raises BadMessage."""
    value = bytes_of(fields, number)
    if len(value) != 1 + KEY_LENGTH or value[:1] != _KEY_TYPE:
        raise BadMessage(f"field {number} is not a Curve25519 key")
    return value[1:]


def encode_fields(fields: Iterable[_Field]) -> bytes:
    """Returns the protobuf of these (number, value) pairs, zeros too."""
    out = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            out += _varint(number << 3 | _VARINT) + _varint(value)
        else:
            out += _varint(number << 3 | _BYTES) + _varint(len(value)) + value
    return bytes(out)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode_fields(data: bytes) -> dict[int, int | bytes]:
    """Returns the fields of a protobuf by number, the last of each. Raises BadMessage."""
    fields: dict[int, int | bytes] = {}
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        value, at = _read_varint(data, at)
        if key & 7 == _VARINT:
            fields[key >> 3] = value
        elif key & 7 == _BYTES and at + value <= len(data):
            fields[key >> 3] = data[at : at + value]
            at += value
        else:
            raise BadMessage("malformed field")
    return fields


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise BadMessage("malformed number")
