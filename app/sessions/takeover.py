"""Whose doing it is when a stream is replaced: a foreign program's, or our own old host's."""

from __future__ import annotations

import time

from app.sessions.leases import Held

CONTESTED_SECONDS = 300.0
"""For so long after a takeover the host that had the session may come back to it: one that was
stopped wakes up, one that was cut off has a network again. Then it sees that its lease is gone."""
TRIES = 5
"""It does so at most once; whoever takes the session back again and again is somebody else."""


class Takeover:
    """What is known of the host that had a session before: it may still run, on another machine,
    when it never released its lease."""

    def __init__(self, held: Held) -> None:
        self._until = time.monotonic() + CONTESTED_SECONDS if held.taken_over else 0.0
        self._tries = 0

    def explains_replacement(self) -> bool:
        """Whether that host is the likely one to have replaced the stream just now."""
        return self._tries < TRIES and time.monotonic() < self._until

    def count(self) -> None:
        """The session is opened once more in spite of it."""
        self._tries += 1
