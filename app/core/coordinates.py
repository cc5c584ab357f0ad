"""Coordinates as people type or paste them: "55.7558, 37.6173", with a decimal comma, with "°"."""

from __future__ import annotations

import re

_NUMBER = r"[-+]?\d{1,3}(?:[.,]\d+)?"
_ONE = re.compile(_NUMBER)
_TWO = re.compile(rf"({_NUMBER})[\s,;]+({_NUMBER})")
"""A comma between digits is the decimal one: "55,75" is one number, "55, 75" two."""


def pair_of(latitude: str, longitude: str) -> tuple[str, str]:
    """What was typed into the two fields, set apart where one of them has both numbers."""
    both = _TWO.fullmatch(_plain(latitude.strip() or longitude))
    if both is None or (latitude.strip() and longitude.strip()):
        return latitude, longitude
    return both[1], both[2]


def degrees_of(text: str) -> float | None:
    """The number that `text` is; None where it is none."""
    plain = _plain(text)
    return float(plain.replace(",", ".")) if _ONE.fullmatch(plain) else None


def _plain(text: str) -> str:
    return text.replace("\N{MINUS SIGN}", "-").replace("°", "").strip()
