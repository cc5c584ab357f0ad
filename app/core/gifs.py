"""Whether a GIF moves, without unpacking any of it (GIF89a specification, sections 18 to 27)."""

from __future__ import annotations

from typing import BinaryIO

_HEADER = 13
_SEPARATOR, _EXTENSION = 0x2C, 0x21
_DESCRIPTOR = 9
_MOST_BLOCKS = 1_000_000
"""Blocks, of 255 bytes at most, that are passed over."""


def moves(file: BinaryIO) -> bool:
    """Whether the GIF that `file` stands at the beginning of has more than one picture; False for
    what is no GIF, or a broken one."""
    header = file.read(_HEADER)
    if len(header) < _HEADER or not header.startswith(b"GIF8"):
        return False
    file.seek(_colours(header[10]), 1)
    pictures, left = 0, _MOST_BLOCKS
    while (kind := file.read(1)) and left > 0:
        if kind[0] == _EXTENSION:
            file.seek(1, 1)
        elif kind[0] == _SEPARATOR:
            pictures += 1
            if pictures > 1:
                return True
            descriptor = file.read(_DESCRIPTOR)
            file.seek(_colours(descriptor[-1] if descriptor else 0) + 1, 1)
        else:
            return False
        left = _after_blocks(file, left - 1)
    return False


def _colours(flags: int) -> int:
    """Bytes of the table of colours that follows, where there is one."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(file: BinaryIO, left: int) -> int:
    """Passes over data until its end; how many more blocks may be passed over."""
    while left > 0 and (size := file.read(1)) and size[0]:
        file.seek(size[0], 1)
        left -= 1
    return left
