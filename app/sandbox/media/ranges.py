"""The part of a file that a request asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re

_ONE_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


class NotInFile(Exception):
    """A range that begins behind the end of the file."""


def asked_for(header: str, size: int) -> range | None:
    """Return the positions that a Range header names, None for the whole file; raises NotInFile.

    Several ranges at once, or a header that is none, may be answered with the whole file.
    """
    match = _ONE_RANGE.fullmatch(header.replace(" ", ""))
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= size or (first and last and int(last) < start):
        raise NotInFile(header)
    return range(start, end)
