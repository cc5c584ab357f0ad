"""When a session host has worn out, so that a fresh process should take its sessions.

Memory only grows: the engine's library gives little back. And whatever it closes leaves something
behind (neonize never closes a key store: 1.2 open files for each reopening were seen, on
PostgreSQL two connections).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.config import Settings

log = structlog.get_logger(__name__)

SETTLED_AFTER = 300.0
"""Seconds after its start a host has taken its share of the sessions. It never restarts before."""
GROWTH = 1.5
"""How far a host must have grown over what it needed when settled: a restart brings it back there
and no lower, so below that it would only restart again and again."""
_LEAST_LEFT_BEHIND = 5
_SMAPS = Path("/proc/self/smaps_rollup")


@dataclass(frozen=True, slots=True)
class Worn:
    """Why a host is worn out: `cause` is "memory" (in MiB) or "reopenings"."""

    cause: str
    found: int
    limit: int


def memory_mib() -> int:
    """What this process costs the machine, in MiB: its own pages, in memory and swapped out, and
    its part of those it shares. (RSS would count the engine's library once for every process.)
    0 where the kernel does not tell."""
    if not _SMAPS.exists():
        return 0
    kib = 0
    for line in _SMAPS.read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in {"Pss", "SwapPss"}:
            kib += int(rest.split()[0])
    return kib // 1024


class Wear:
    """The wear of this process, from now on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._born = time.monotonic()
        self._memory_limit = settings.host_memory_mb
        self._settled = False

    def look(self, *, opened: int, live: int) -> Worn | None:
        """Why the process should be replaced, if it should: it has opened so many connections
        since it began, and holds so many."""
        if time.monotonic() - self._born < SETTLED_AFTER:
            return None
        memory = memory_mib()
        if not self._settled:
            self._settle(memory)
        if self._memory_limit and memory > self._memory_limit:
            return Worn("memory", memory, self._memory_limit)
        limit, left_behind = self._reopenings(live), opened - live
        if limit and left_behind >= limit:
            return Worn("reopenings", left_behind, limit)
        return None

    def _settle(self, memory: int) -> None:
        """Sees that the limit leaves room above what the sessions need."""
        self._settled = True
        needed = int(memory * GROWTH)
        if self._memory_limit and needed > self._memory_limit:
            log.warning("host.memory_limit_low", mib=memory, limit=self._memory_limit, used=needed)
            self._memory_limit = needed

    def _reopenings(self, live: int) -> int:
        """On PostgreSQL what is left behind counts against the same connections as what lives."""
        limit = self._settings.host_reopenings
        if not limit or not self._settings.uses_postgres:
            return limit
        return max(_LEAST_LEFT_BEHIND, min(limit, self._settings.sessions_per_host - live))
