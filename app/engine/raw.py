"""An event as the engine gave it, in a form that can be written to a spool and read back."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HISTORY = "HistorySync"
_FORMAT = 1
_HEADER = struct.Struct(">BQB")  # format, arrival in microseconds since 1970, length of the kind
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class BadRawEvent(ValueError):
    """The bytes are no encoded RawEvent: a torn or foreign record."""


@dataclass(frozen=True, slots=True)
class RawEvent:
    """`kind` names the payload's type ("Message"); `received_at` is when this process got it."""

    kind: str
    payload: bytes
    received_at: datetime

    def encode(self) -> bytes:
        """Returns the event as bytes, without a length: whoever stores it frames it."""
        kind = self.kind.encode()
        microseconds = (self.received_at - _EPOCH) // _MICROSECOND
        return _HEADER.pack(_FORMAT, microseconds, len(kind)) + kind + self.payload

    @classmethod
    def is_history(cls, data: bytes) -> bool:
        """Whether `encode` wrote a piece of the phone's history, which may be large."""
        try:
            return cls.decode(data).kind == HISTORY
        except BadRawEvent:
            return False

    @classmethod
    def decode(cls, data: bytes) -> RawEvent:
        """Returns the event that `encode` wrote. Raises BadRawEvent."""
        if len(data) < _HEADER.size:
            raise BadRawEvent("record too short")
        version, microseconds, length = _HEADER.unpack_from(data)
        end = _HEADER.size + length
        if version != _FORMAT or len(data) < end:
            raise BadRawEvent(f"unknown record format {version}")
        try:
            kind = data[_HEADER.size : end].decode("ascii")
        except UnicodeDecodeError as error:
            raise BadRawEvent("kind is not ASCII") from error
        return cls(kind, data[end:], _EPOCH + microseconds * _MICROSECOND)
