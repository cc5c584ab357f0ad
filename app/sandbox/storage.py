"""The sandbox's memory on disk: one SQLite file in its data folder.

Documents are written whole when they changed, the journal row by row, all in one transaction a
moment after the change: the file always holds one consistent instant.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS journal (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
"""


class Storage:
    """Collects changes until `flush`; `on_change` is told when there is something to flush.

    `folder` is where the file lies, and where others may keep theirs.
    """

    def __init__(self, file: Path, on_change: Callable[[], None]) -> None:
        self.folder = file.parent
        self._db = sqlite3.connect(file)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._on_change = on_change
        self._changed: dict[str, Callable[[], Any] | None] = {}
        self._entries: list[dict[str, Any]] = []

    def documents(self) -> dict[str, Any]:
        """Return every document by its name."""
        rows = self._db.execute("SELECT name, body FROM documents ORDER BY name")
        return {name: json.loads(body) for name, body in rows}

    def journal(self) -> list[dict[str, Any]]:
        """Return the journal's entries in order."""
        rows = self._db.execute("SELECT body FROM journal ORDER BY seq")
        return [json.loads(body) for (body,) in rows]

    def mark(self, name: str, dump: Callable[[], Any]) -> None:
        """The document `name` changed; at the next flush `dump` gives its body."""
        self._changed[name] = dump
        self._on_change()

    def forget(self, name: str) -> None:
        """The document `name` is no more."""
        self._changed[name] = None
        self._on_change()

    def append(self, entry: dict[str, Any]) -> None:
        """Add a journal entry at the next flush."""
        self._entries.append(entry)
        self._on_change()

    def flush(self) -> None:
        """Write everything that changed, in one transaction."""
        changed, self._changed = self._changed, {}
        entries, self._entries = self._entries, []
        with self._db:
            for name, dump in changed.items():
                if dump is None:
                    self._db.execute("DELETE FROM documents WHERE name = ?", (name,))
                else:
                    body = json.dumps(dump(), ensure_ascii=False)
                    self._db.execute("REPLACE INTO documents VALUES (?, ?)", (name, body))
            rows = [(entry["seq"], json.dumps(entry, ensure_ascii=False)) for entry in entries]
            self._db.executemany("INSERT INTO journal VALUES (?, ?)", rows)

    def close(self) -> None:
        """Flush and let go of the file."""
        self.flush()
        self._db.close()
