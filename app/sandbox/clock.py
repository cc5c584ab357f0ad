"""Times and ids of stanzas that are the server's own."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime

_serial = itertools.count(1)


def unix_now() -> str:
    """Return the time in seconds, as stanzas carry it."""
    return str(int(time.time()))


def utc_now() -> str:
    """Return the time for people and journals: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def stamp() -> dict[str, str]:
    """Return a fresh id and the time, as attributes of a stanza."""
    return {"id": f"{time.time_ns() // 1_000_000}-{next(_serial)}", "t": unix_now()}
