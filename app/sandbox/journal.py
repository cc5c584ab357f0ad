"""The judge's log: what every phone sent and received, decrypted, and every receipt on its way.

Append-only. "Nothing was lost" is decided by reading it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from app.sandbox.clock import utc_now

log = logging.getLogger(__name__)
Entry = dict[str, Any]


class Journal:
    """Entries counted from 1; `on_append` is told of each new one."""

    def __init__(self, entries: list[Entry], on_append: Callable[[Entry], None]) -> None:
        self._entries = entries
        self._on_append = on_append

    def append(self, kind: str, account: str, **facts: Any) -> None:
        """Write one fact that happened to `account` (a number) now."""
        entry: Entry = {
            "seq": len(self._entries) + 1,
            "time": utc_now(),
            "kind": kind,
            "account": account,
            **facts,
        }
        log.debug("journal %s", entry)
        self._entries.append(entry)
        self._on_append(entry)

    def since(self, seq: int) -> list[Entry]:
        """Return the entries after number `seq`."""
        return self._entries[max(seq, 0) :]
