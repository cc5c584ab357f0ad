"""The sessions' keys: one SQLite file each, in DATA_DIR, readable by this user alone."""

from __future__ import annotations

import time
from pathlib import Path

import structlog
from sqlalchemy import select

from app.config import Settings, current_settings
from app.extensions import db
from app.models import LinkedAccount, Pairing

log = structlog.get_logger(__name__)

_COMPANIONS = ("", "-wal", "-shm", "-journal")
_YOUNG_SECONDS = 600.0


def path_of(settings: Settings, name: str) -> Path:
    """Where the key file `name` is."""
    return settings.key_store_dir / name


def remove(settings: Settings, name: str) -> None:
    """Deletes a key file for good. The device it belonged to cannot be used any more."""
    for suffix in _COMPANIONS:
        path_of(settings, name + suffix).unlink(missing_ok=True)


def sweep() -> int:
    """Deletes key files that no linked account and no running attempt uses, and that nobody wrote
    to for ten minutes; how many there were."""
    settings = current_settings()
    used = {*db.session.scalars(select(LinkedAccount.key_store))}
    used |= {*db.session.scalars(select(Pairing.key_store).where(Pairing.active.is_(True)))}
    db.session.rollback()
    oldest = time.time() - _YOUNG_SECONDS
    left = [
        file
        for file in settings.key_store_dir.glob("*.db")
        if file.name not in used and file.stat().st_mtime < oldest
    ]
    for file in left:
        log.info("key_file.swept", name=file.name)
        remove(settings, file.name)
    return len(left)
