"""What a storage of files is to the rest of the product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import BinaryIO, Protocol

from app.core.errors import Unavailable
from app.core.texts import N_

PIECE = 64 * 1024
"""Bytes that are in memory at a time, of whatever size the file is."""
HEAD = 4096
"""The first bytes of a file, enough to tell what it is."""


class StorageUnreachable(Unavailable):
    """The service that keeps the files does not answer, or refuses."""

    code = "storage_unreachable"
    message = N_("The storage of files cannot be reached. Try again in a moment.")


class FileMissing(Exception):
    """No file is stored under this key."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that is stored, and when it was last written."""

    key: str
    modified_at: datetime


class Draft(Protocol):
    """A file that is being written. It is not there for anybody until `keep`; closed without that,
    it leaves nothing. Also a file as werkzeug wants one to put an upload into."""

    @property
    def size(self) -> int:
        """Bytes written so far."""

    @property
    def sha256(self) -> str:
        """The hash of what was written so far, in hex."""

    @property
    def head(self) -> bytes:
        """The first HEAD bytes of it."""

    def write(self, data: bytes) -> int:
        """Appends `data`. Raises OSError when there is no room."""

    def whole(self) -> BinaryIO:
        """All that was written, as a real file from its beginning on, for another program to read.
        Nothing is written any more afterwards."""

    def keep(self) -> str:
        """Makes it a stored file, there to the last byte, and returns its key. Raises
        StorageUnreachable."""

    def close(self) -> None:
        """Gives up what was not kept; safe to call twice."""

    def __enter__(self) -> Draft: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Storage(Protocol):
    """Files under keys. Safe to use from several threads and processes."""

    def draft(self) -> Draft:
        """A new file to write. Raises OSError."""

    def open(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The file from byte `start` on, `length` bytes of it at most, in pieces. Raises
        FileMissing at once, not at the first piece."""

    def read(self, key: str) -> bytes:
        """The whole file at once, for what can take it no other way. Raises FileMissing."""

    def size(self, key: str) -> int:
        """How many bytes the file has. Raises FileMissing."""

    def delete(self, key: str) -> None:
        """Removes the file; does nothing when it is gone already."""

    def entries(self) -> Iterator[Entry]:
        """All files that are stored, in no order."""

    def drop_drafts(self, older_than: datetime) -> int:
        """Removes what writers that were killed left half-written; how much there was."""
