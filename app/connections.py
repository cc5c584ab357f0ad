"""Who may hold how many connections to PostgreSQL, and how many sessions that leaves room for.

A stock PostgreSQL takes 100. Every process keeps to a small pool whose threads take turns; what
the server gives beyond those is for the engine's own connections, and bounds the sessions.
"""

from __future__ import annotations

from sqlalchemy import NullPool, create_engine, text

from app.config import Settings

IN_TURNS = 2
"""The most that a process holds which does one thing at a time, its forks each the same."""
THREADED = 5
"""The most that a session host or the webhooks' worker holds."""
OF_A_SESSION = 2
"""The engine holds that many for every session it has open (wire.md section 1)."""
_RESERVE = 6
"""For backups, people at a prompt, and what a session that was opened again leaves behind."""


def of_web(settings: Settings) -> int:
    """The most that the web server holds: one for each request, and one to spare."""
    return settings.web_threads + 1


def besides_sessions(settings: Settings) -> int:
    """The most that all processes together hold without any session, and a reserve."""
    hosts = settings.session_hosts * THREADED
    pairing = settings.pairing_workers * (IN_TURNS + OF_A_SESSION)
    jobs = settings.job_workers * IN_TURNS
    webhooks, clock = THREADED, IN_TURNS
    return of_web(settings) + hosts + pairing + jobs + webhooks + clock + _RESERVE


def given(settings: Settings) -> int:
    """How many the server gives to those who are no superusers. Raises DBAPIError."""
    engine = create_engine(settings.sqlalchemy_url, poolclass=NullPool)
    query = text(
        "SELECT current_setting('max_connections')::int"
        " - current_setting('superuser_reserved_connections')::int"
    )
    with engine.connect() as connection:
        return int(connection.scalar(query) or 0)


def sessions_that_fit(settings: Settings, connections: int) -> int:
    """How many sessions each host may hold on that many connections; 0 or less: none."""
    left = connections - besides_sessions(settings)
    return min(settings.sessions_per_host, left // (OF_A_SESSION * settings.session_hosts))


def capacity_of_host(settings: Settings) -> int:
    """How many sessions a host may hold: SESSIONS_PER_HOST, or what PostgreSQL has room for.
    Raises DBAPIError."""
    if not settings.uses_postgres:
        return settings.sessions_per_host
    return max(sessions_that_fit(settings, given(settings)), 0)
