"""Counts what is asked of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.extensions import db


@contextmanager
def selects() -> Iterator[list[str]]:
    """The SELECT statements executed within, inside an application context."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def plan_of(ask: Callable[[], Any], words: str) -> str:
    """How the database goes about the first statement with these words that `ask` brings about."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    word = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
    cursor = db.session.connection().connection.cursor()
    statement, parameters = next(one for one in asked if words in one[0])
    cursor.execute(f"{word} {statement}", parameters)
    return "\n".join(str(row[-1]) for row in cursor.fetchall())
