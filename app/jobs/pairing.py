"""Linking a phone. The worker's process never loads the engine: a child of it does."""

from __future__ import annotations

from app.sessions import pairing


def pair(pairing_id: str) -> None:
    """Runs one attempt to its end."""
    pairing.run(pairing_id)
