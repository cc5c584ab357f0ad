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
    return _written(prefix, *_next(int(now.timestamp() * 1000)))


def next_id(prefix: str, now: datetime, *, after: str) -> str:
    """A fresh id that sorts behind `after`, whatever the clock of who made that one said."""
    tail = secrets.randbits(5 * _RANDOM_CHARS - 1)
    fresh = _written(prefix, int(now.timestamp() * 1000), tail)
    if fresh > after:
        return fresh
    value = 0
    for character in after.removeprefix(f"{prefix}_"):
        value = value * 32 + _ALPHABET.index(character)
    return f"{prefix}_{_encode(value + 1, _TIME_CHARS + _RANDOM_CHARS)}"


def first_id(prefix: str, moment: datetime) -> str:
    """The lowest id that could be made at `moment`: ids of earlier ones sort before it."""
    return _written(prefix, int(moment.timestamp() * 1000), 0)


def is_id(prefix: str, text: str) -> bool:
    """Whether `text` has the form of an id with this prefix."""
    head, _, tail = text.partition("_")
    right_length = len(tail) == _TIME_CHARS + _RANDOM_CHARS
    return head == prefix and right_length and set(tail) <= set(_ALPHABET)


def _written(prefix: str, milliseconds: int, tail: int) -> str:
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
