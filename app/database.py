"""How the product talks to its database.

SQLite: write-ahead log, foreign keys, and honest write locks. PostgreSQL: nobody who sleeps inside
a transaction holds up the others.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

from app.transaction import is_writing

BUSY_TIMEOUT_MS = 10_000
IDLE_AT_MOST_MS = 15_000
"""Inside a transaction on PostgreSQL. Less than a lease lasts: a host on a machine that went to
sleep, or lost its network, may have locked the lease's row, and nobody else could take it."""


def prepare(engine: Engine) -> None:
    """Sets up every connection of `engine`.

    On SQLite a transaction that will write takes the write lock at its start (BEGIN IMMEDIATE): one
    that upgrades later fails at once with "database is locked" whatever the time-out.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
    else:
        event.listen(engine, "connect", _on_connect_to_postgres)


def _on_connect_to_postgres(connection: Any, _record: Any) -> None:
    connection.execute(f"SET idle_in_transaction_session_timeout = {IDLE_AT_MOST_MS}")
    connection.commit()


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours to say
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # a commit survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


@event.listens_for(Session, "after_begin")
def _take_write_lock(session: Session, _transaction: Any, connection: Connection) -> None:
    """Turns the new, still empty transaction of a transaction() block into a writing one."""
    if connection.dialect.name == "sqlite" and is_writing(session):
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
