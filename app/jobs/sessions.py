"""Lifecycle jobs: run by a session host, in its own process, from its own queue."""

from __future__ import annotations


def open_session(instance_id: str) -> None:
    """Opens the session that was offered to this host."""
    from app.sessions import host

    host.current().open(instance_id)
