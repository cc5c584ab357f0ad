"""Where a person may be sent after signing in: only to a page of ours."""

from __future__ import annotations

from urllib.parse import urlsplit


def safe_next(target: str | None, *, default: str) -> str:
    """`target` if it is a path on this site, else `default`.

    Refused: other hosts, "//host", "/\\host" (browsers read a backslash as a slash), control
    characters (browsers drop them before they parse).
    """
    if not target or not target.startswith("/") or target.startswith("//"):
        return default
    if "\\" in target or any(ord(character) < 33 for character in target):
        return default
    parts = urlsplit(target)
    return default if parts.scheme or parts.netloc else target
