"""The index that finds contacts by any part of a name or number: of every three letters in a row.

Like the index of messages' words it is made beside the migrations and can be made anew at any time.
It only narrows down: who fits is judged by the search text itself, so an index that lags behind
leaves somebody out at worst, and never shows anybody wrong.
"""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from app.models.contact import Contact, WhatsAppContact

log = structlog.get_logger(__name__)

PREFIX = "grams_of_"
GRAM = 3
_TABLES = (Contact.__tablename__, WhatsAppContact.__tablename__)


def name_of(table: str) -> str:
    """The index of a table: on SQLite a virtual table."""
    return PREFIX + table


def grams_of(words: list[str]) -> list[str]:
    """Every three letters in a row of `words`, once each."""
    found = (word[at : at + GRAM] for word in words for at in range(len(word) - GRAM + 1))
    return list(dict.fromkeys(found))


def keep_grams(connection: Connection) -> None:
    """Makes the indexes that are missing, and anew those that do not fit their table; takes them
    away with it."""
    keep = _keep_on_sqlite if connection.dialect.name == "sqlite" else _keep_on_postgresql
    for table in _TABLES:
        keep(connection, table)


def _keep_on_sqlite(connection: Connection, table: str) -> None:
    name = name_of(table)
    if not inspect(connection).has_table(table):
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
        return
    for statement in _on_sqlite(table, name):
        connection.exec_driver_sql(statement)
    # Rows have no numbers of their own, and VACUUM may give them new ones.
    rows = connection.exec_driver_sql(f"SELECT count(*), max(rowid) FROM {table}").one()  # noqa: S608
    known = connection.exec_driver_sql(f"SELECT count(*), max(id) FROM {name}_docsize").one()  # noqa: S608
    if rows != known:
        connection.exec_driver_sql(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")  # noqa: S608


def _on_sqlite(table: str, name: str) -> list[str]:
    add = f"INSERT INTO {name} (rowid, search) VALUES (new.rowid, new.search)"  # noqa: S608
    remove = f"INSERT INTO {name} ({name}, rowid, search) VALUES ('delete', old.rowid, old.search)"  # noqa: S608
    trigger = f"CREATE TRIGGER IF NOT EXISTS {name}"
    return [
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5(search, content='{table}', "
        "detail='none', tokenize='trigram case_sensitive 1')",
        f"{trigger}_added AFTER INSERT ON {table} BEGIN {add}; END",
        f"{trigger}_removed AFTER DELETE ON {table} BEGIN {remove}; END",
        f"{trigger}_changed AFTER UPDATE OF search ON {table} WHEN new.search <> old.search "
        f"BEGIN {remove}; {add}; END",
    ]


def _keep_on_postgresql(connection: Connection, table: str) -> None:
    """Without the extension, which comes with the server but may be missing, a search reads all."""
    if not inspect(connection).has_table(table):
        return
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
            connection.execute(
                text(
                    f"CREATE INDEX IF NOT EXISTS {name_of(table)} ON {table} "
                    "USING gin (search gin_trgm_ops)"
                )
            )
    except DBAPIError as error:
        log.warning("contacts.no_index", table=table, error=str(error.orig))
