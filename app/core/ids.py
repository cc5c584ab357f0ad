"""Public ids: a prefix that names the kind, and a ULID that sorts by time."""

from __future__ import annotations

import secrets
import threading
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_TIME_CHARS, _RANDOM_CHARS = 10, 16


_last = (0, 0)  # milliseconds and random part of the newest id of this process
_lock = threading.Lock()


def new_id(prefix: str, now: datetime) -> str:
    """`prefix_` and a fresh ULID for `now`. The ids of one process sort in the order they were
    made, also within a millisecond: the order of a queue rests on it."""
    milliseconds, tail = _next(int(now.timestamp() * 1000))
    return f"{prefix}_{_encode(milliseconds, _TIME_CHARS)}{_encode(tail, _RANDOM_CHARS)}"


def _next(milliseconds: int) -> tuple[int, int]:
    global _last
    with _lock:
        if milliseconds > _last[0]:
            _last = (milliseconds, secrets.randbits(5 * _RANDOM_CHARS - 1))
        else:
            _last = (_last[0], _last[1] + 1)
        return _last


def _encode(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
