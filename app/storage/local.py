"""Files in a folder of this machine: sharded by the key's first letters, readable by us alone."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from app.storage.base import HEAD, PIECE, Entry, FileMissing

_KEY = re.compile(r"[0-9a-f]{32}")
_DRAFTS = "drafts"


Keeper = Callable[[str, Path], None]


class LocalStorage:
    """See app.storage.base.Storage. `folder` is made when the first file is written.

    A draft stands in a folder beside the files, on the same disk, so that keeping it is one
    rename: a file is there whole or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def draft(self, *, keeper: Keeper | None = None) -> LocalDraft:
        """A new file to write; `keeper` takes it elsewhere than into this folder."""
        drafts = self._folder / _DRAFTS
        drafts.mkdir(parents=True, exist_ok=True, mode=0o700)
        return LocalDraft(drafts / secrets.token_hex(16), keeper or self._take)

    def open(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes of a file, in pieces."""
        try:
            file = _path(self._folder, key).open("rb")
        except FileNotFoundError:
            raise FileMissing(key) from None
        return _pieces(file, start, length)

    def read(self, key: str) -> bytes:
        """The whole file."""
        try:
            return _path(self._folder, key).read_bytes()
        except FileNotFoundError:
            raise FileMissing(key) from None

    def size(self, key: str) -> int:
        """How many bytes the file has."""
        try:
            return _path(self._folder, key).stat().st_size
        except FileNotFoundError:
            raise FileMissing(key) from None

    def delete(self, key: str) -> None:
        """Removes the file, if it is there."""
        _path(self._folder, key).unlink(missing_ok=True)

    def entries(self) -> Iterator[Entry]:
        """All files that are stored."""
        for path in self._folder.glob("??/*"):
            with suppress(FileNotFoundError):  # deleted meanwhile
                if is_key(path.name):
                    yield Entry(path.name, _modified_at(path))

    def drop_drafts(self, older_than: datetime) -> int:
        """Removes drafts that nobody has written to since."""
        dropped = 0
        for path in (self._folder / _DRAFTS).glob("*"):
            with suppress(FileNotFoundError):
                if _modified_at(path) < older_than:
                    path.unlink()
                    dropped += 1
        return dropped

    def _take(self, key: str, draft: Path) -> None:
        place = _path(self._folder, key)
        place.parent.mkdir(exist_ok=True, mode=0o700)
        draft.rename(place)
        _sync_folder(place.parent)


class LocalDraft:
    """See app.storage.base.Draft. `keeper` is given the key and the path of what is kept, whole and
    on disk."""

    def __init__(self, path: Path, keeper: Keeper) -> None:
        self._keeper = keeper
        self._path = path
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "w+b", PIECE)
        # A form that breaks off in the middle leaves its draft to nobody.
        self._drop = weakref.finalize(self, _give_up, self._file, path)
        self._drop.atexit = False  # a fork's end is not ours
        self._hash = hashlib.sha256()
        self._size = 0
        self._head = b""

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._size

    @property
    def sha256(self) -> str:
        """The hash of what was written so far, in hex."""
        return self._hash.hexdigest()

    @property
    def head(self) -> bytes:
        """The first bytes of it."""
        return self._head

    def write(self, data: bytes) -> int:
        """Appends `data`."""
        if len(self._head) < HEAD:
            self._head += data[: HEAD - len(self._head)]
        self._hash.update(data)
        self._size += len(data)
        return self._file.write(data)

    def read(self, size: int = -1) -> bytes:
        """What was written, from where `seek` went; werkzeug's form parser may ask."""
        return self._file.read(size)

    def readline(self, size: int = -1) -> bytes:
        """The same, a line of it."""
        return self._file.readline(size)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes to a place in it; nothing is written any more afterwards."""
        return self._file.seek(offset, whence)

    def whole(self) -> BinaryIO:
        """All that was written, as a file from its beginning on."""
        self._file.flush()
        self._file.seek(0)
        return self._file

    def keep(self) -> str:
        """Makes it a stored file under a new key."""
        key = secrets.token_hex(16)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._keeper(key, self._path)
        self._drop()
        return key

    def close(self) -> None:
        """Gives up what was not kept."""
        self._file.close()
        self._drop()

    def __enter__(self) -> LocalDraft:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _give_up(file: BinaryIO, path: Path) -> None:
    file.close()
    path.unlink(missing_ok=True)


def is_key(name: str) -> bool:
    """Whether it is a key as drafts make them."""
    return _KEY.fullmatch(name) is not None


def _path(folder: Path, key: str) -> Path:
    if not is_key(key):
        raise FileMissing("no key of ours")
    return folder / key[:2] / key


def _pieces(file: BinaryIO, start: int, length: int | None) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = length
        while left is None or left > 0:
            piece = file.read(PIECE if left is None else min(PIECE, left))
            if not piece:
                return
            left = None if left is None else left - len(piece)
            yield piece


def _modified_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _sync_folder(folder: Path) -> None:
    """The rename, too, is to survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
