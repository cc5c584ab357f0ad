"""Whether the database has the shape that this code expects.

Everything starts at once, the migration included; what works on the database waits here for it.
"""

from __future__ import annotations

import time

import structlog
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from app.config import Settings
from app.factory import ROOT

log = structlog.get_logger(__name__)

_POLL = 0.03  # seconds
_SLOW_POLL = 1.0
_TALK_AFTER = 5.0


def newest_revision() -> str:
    """The revision of the newest migration: their files are named by number."""
    files = (ROOT / "migrations" / "versions").glob("[0-9]*.py")
    return max(file.name for file in files).partition("_")[0]


def is_current(settings: Settings) -> bool:
    """Whether the newest migration was applied. A database that does not answer is not current."""
    engine = create_engine(settings.sqlalchemy_url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    except DBAPIError:
        return False
    return bool(found == newest_revision())


def wait_until_current(settings: Settings) -> None:
    """Returns once the database is current, for as long as that takes; says so if it is long."""
    started, pause = time.monotonic(), _POLL
    while not is_current(settings):
        if pause == _POLL and time.monotonic() - started > _TALK_AFTER:
            log.warning("schema.waiting", expected=newest_revision())
            pause = _SLOW_POLL
        time.sleep(pause)
