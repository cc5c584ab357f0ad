"""Public ids: a prefix that names the kind, and a ULID that sorts by time."""

from __future__ import annotations

import secrets
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_TIME_CHARS, _RANDOM_CHARS = 10, 16


def new_id(prefix: str, now: datetime) -> str:
    """`prefix_` and a fresh ULID for `now`; ids made a millisecond apart sort in that order."""
    return f"{prefix}_{_encode(int(now.timestamp() * 1000), _TIME_CHARS)}{_random()}"


def _random() -> str:
    return _encode(secrets.randbits(5 * _RANDOM_CHARS), _RANDOM_CHARS)


def _encode(value: int, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
