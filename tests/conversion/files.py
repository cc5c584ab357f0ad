"""What an encoder reads: bytes as a real file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO


@contextmanager
def file_of(content: bytes) -> Iterator[BinaryIO]:
    """A file with this content, at its beginning."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file
