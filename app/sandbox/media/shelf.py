"""A folder of files with a bound: when all of them together pass it, the oldest go."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

_DRAFT = ".part"


class TooLarge(Exception):
    """A file larger than the shelf may ever hold."""


class Shelf:
    """Files by name, oldest first. Drafts may be made in any thread, the rest in one only."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.limit = limit
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for draft in folder.glob(f"*{_DRAFT}"):  # what a crash left
            draft.unlink()
        found = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
        self._sizes = OrderedDict((file.name, file.stat().st_size) for file in found)

    @contextlib.contextmanager
    def draft(self) -> Iterator[Path]:
        """An empty file to write into; gone afterwards unless it was kept."""
        handle, name = tempfile.mkstemp(suffix=_DRAFT, dir=self._folder)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)

    def keep(self, draft: Path, name: str) -> Path:
        """Put a draft on the shelf under `name`, as its newest; raises TooLarge."""
        size = draft.stat().st_size
        if size > self.limit:
            raise TooLarge(f"{size} bytes; the bound of all files together is {self.limit}")
        kept = draft.replace(self._folder / name)
        os.utime(kept)
        self._sizes.pop(name, None)
        self._sizes[name] = size
        while sum(self._sizes.values()) > self.limit:
            self.remove(next(iter(self._sizes)))
        return kept

    def find(self, name: str) -> Path | None:
        """Return the file `name`, None when there is none (any more)."""
        return self._folder / name if name in self._sizes else None

    def remove(self, name: str) -> bool:
        """Drop a file; returns whether there was one."""
        if self._sizes.pop(name, None) is None:
            return False
        (self._folder / name).unlink(missing_ok=True)
        return True
