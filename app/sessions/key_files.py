"""The sessions' keys: one SQLite file each, in DATA_DIR, readable by this user alone; with a
PostgreSQL DATABASE_URL all in that database, in a schema of their own."""

from __future__ import annotations

import time
from pathlib import Path

import structlog
from sqlalchemy import select

from app.config import Settings, current_settings
from app.engine import keystore
from app.extensions import db
from app.models import LinkedAccount, Pairing

log = structlog.get_logger(__name__)

_COMPANIONS = ("", "-wal", "-shm", "-journal")
_YOUNG_SECONDS = 600.0


def store_of(settings: Settings, name: str) -> str:
    """What the engine opens for the keys called `name`: a path, or the database's URL, which
    holds a password."""
    if settings.uses_postgres:
        return keystore.url_for_engine(settings.database_url)
    return str(path_of(settings, name))


def path_of(settings: Settings, name: str) -> Path:
    """Where the key file `name` is."""
    return settings.key_store_dir / name


def remove(settings: Settings, name: str, jid: str | None) -> None:
    """Deletes the keys of a device for good: it cannot be used any more. Without `jid` nothing
    was linked, and only a file may be left. Raises KeyStoreUnreadable, OSError."""
    if settings.uses_postgres:
        if jid is not None:
            keystore.remove_account(store_of(settings, name), jid)
        return
    for suffix in _COMPANIONS:
        path_of(settings, name + suffix).unlink(missing_ok=True)


def sweep() -> int:
    """Deletes keys that no linked account and no running attempt uses; how many there were.
    Raises KeyStoreUnreadable."""
    settings = current_settings()
    return _sweep_database(settings) if settings.uses_postgres else _sweep_files(settings)


def _sweep_files(settings: Settings) -> int:
    """Leaves alone what somebody wrote to in the last ten minutes."""
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
        remove(settings, file.name, None)
    return len(left)


def _sweep_database(settings: Settings) -> int:
    """Waits for an hour in which no phone is being linked: keys may be of a link that is not
    written down yet. They are looked at first, so that a link made meanwhile is not among them."""
    store = store_of(settings, "")
    found = keystore.accounts(store)
    linking = db.session.scalar(select(Pairing.id).where(Pairing.active.is_(True)).limit(1))
    used = {account.device_jid for account in db.session.scalars(select(LinkedAccount))}
    db.session.rollback()
    left = [] if linking else [jid for jid in found if jid not in used]
    for jid in left:
        log.info("keys.swept", jid=jid)
        keystore.remove_account(store, jid)
    return len(left)
