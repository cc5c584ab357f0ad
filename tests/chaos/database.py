"""The product's database, as the harness reads it from beside: SQLite in DATA_DIR or PostgreSQL."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.postgres import running_postgres

NAMES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Database:
    """`url` is what the product gets as DATABASE_URL; without one its file is in `data_dir`."""

    url: str
    data_dir: Path

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What it says to `query`, in which each ? is a value."""
        if self.url:
            with psycopg.connect(self.url) as postgres:
                return postgres.execute(query.replace("?", "%s"), values).fetchall()
        uri = f"file:{self.data_dir / 'manager.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=20)) as sqlite:
            return sqlite.execute(query, values).fetchall()


@contextlib.contextmanager
def running_database(name: str, data_dir: Path) -> Iterator[Database]:
    """A database of the given kind for one run; a PostgreSQL server lives as long as the block."""
    if name == "sqlite":
        yield Database("", data_dir)
        return
    with running_postgres(data_dir.parent.parent) as server:
        server.create("chaos")
        yield Database(server.url_of("chaos"), data_dir)
