"""Whether PostgreSQL takes as many connections as the product may open; asked before it starts."""

from __future__ import annotations

from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from app.config import Settings
from app.factory import WORKER_CONNECTIONS, web_connections
from app.supervisor.guard import StartRefused

_OF_A_SESSION = 2
"""The engine holds that many for every session it has open (wire.md section 1)."""
_OF_A_FORKING_WORKER = 2  # its own, and its job's
_RESERVE = 10
"""For backups, people at a prompt, and what a session that was opened again leaves behind."""


def check(settings: Settings) -> None:
    """Nothing; on SQLite nothing is asked. Raises StartRefused, which names the settings."""
    if not settings.uses_postgres:
        return
    allowed, needed = _allowed(settings), needed_by(settings)
    if needed > allowed:
        sessions = settings.session_hosts * settings.sessions_per_host
        raise StartRefused(
            f"DATABASE_URL: PostgreSQL gives {allowed} connections and {needed} may be needed, "
            f"{_OF_A_SESSION} for each of SESSION_HOSTS x SESSIONS_PER_HOST = {sessions} sessions. "
            f"Raise max_connections by {needed - allowed}, or lower SESSIONS_PER_HOST."
        )


def needed_by(settings: Settings) -> int:
    """The most connections that all processes together may hold, and a reserve."""
    hosts = settings.session_hosts * (
        WORKER_CONNECTIONS + _OF_A_SESSION * settings.sessions_per_host
    )
    pairing = settings.pairing_workers * (_OF_A_FORKING_WORKER + _OF_A_SESSION)
    jobs = settings.job_workers * _OF_A_FORKING_WORKER
    webhooks, clock = WORKER_CONNECTIONS, 1
    return web_connections(settings) + hosts + pairing + jobs + webhooks + clock + _RESERVE


def _allowed(settings: Settings) -> int:
    """What the server gives to those who are no superusers."""
    engine = create_engine(settings.sqlalchemy_url, poolclass=NullPool)
    query = text(
        "SELECT current_setting('max_connections')::int"
        " - current_setting('superuser_reserved_connections')::int"
    )
    try:
        with engine.connect() as connection:
            return int(connection.scalar(query) or 0)
    except DBAPIError as error:
        detail = " ".join(str(error.orig).split())
        raise StartRefused(f"DATABASE_URL: the database does not answer: {detail}") from error
