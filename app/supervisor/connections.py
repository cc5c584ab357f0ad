"""Whether PostgreSQL takes as many connections as the product may open; asked before it starts."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from app.config import Settings
from app.connections import OF_A_SESSION, besides_sessions, given, sessions_that_fit
from app.supervisor.guard import StartRefused


def check(settings: Settings) -> str | None:
    """What people should know when not all of SESSIONS_PER_HOST fit; on SQLite nothing is asked.

    Raises StartRefused when there is not room for one session in each host.
    """
    if not settings.uses_postgres:
        return None
    connections = _given(settings)
    fitting = sessions_that_fit(settings, connections)
    missing = needed_by(settings) - connections
    if fitting < 1:
        least = besides_sessions(settings) + OF_A_SESSION * settings.session_hosts
        raise StartRefused(
            f"DATABASE_URL: PostgreSQL gives {connections} connections, and {least} are needed for "
            f"the first session of each host. Raise max_connections by {missing}, or lower "
            "SESSION_HOSTS, PAIRING_WORKERS or WEB_THREADS."
        )
    if missing <= 0:
        return None
    hosts = settings.session_hosts
    return (
        f"PostgreSQL gives {connections} connections: room for {fitting * hosts} connected accounts"
        f" at a time, {OF_A_SESSION} each. For {settings.sessions_per_host * hosts} raise its "
        f"max_connections by {missing}."
    )


def needed_by(settings: Settings) -> int:
    """The most connections that all processes together may hold with every session open."""
    sessions = settings.session_hosts * settings.sessions_per_host
    return besides_sessions(settings) + OF_A_SESSION * sessions


def _given(settings: Settings) -> int:
    try:
        return given(settings)
    except DBAPIError as error:
        detail = " ".join(str(error.orig).split())
        raise StartRefused(f"DATABASE_URL: the database does not answer: {detail}") from error
