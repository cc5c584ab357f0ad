"""Raw events as bytes and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.engine.raw import BadRawEvent, RawEvent

MOMENT = datetime(2026, 11, 23, 12, 0, 0, 123_456, tzinfo=UTC)


def test_raw_event_comes_back_as_it_was():
    event = RawEvent("Message", b"\x00payload\xff", MOMENT)
    assert RawEvent.decode(event.encode()) == event


def test_moment_comes_back_in_utc():
    event = RawEvent("Message", b"", MOMENT.astimezone(timezone(timedelta(hours=3))))
    assert RawEvent.decode(event.encode()).received_at.tzinfo is UTC
    assert RawEvent.decode(event.encode()).received_at == MOMENT


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x01" * 9, b"\x02" + bytes(30)])
def test_foreign_bytes_are_refused(data: bytes):
    with pytest.raises(BadRawEvent):
        RawEvent.decode(data)


def test_torn_kind_is_refused():
    encoded = RawEvent("Message", b"", MOMENT).encode()
    for length in range(len(encoded)):
        with pytest.raises(BadRawEvent):
            RawEvent.decode(encoded[:length])
