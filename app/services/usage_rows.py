"""The rows of statistics: added to by hour, day and month in one statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Insert, Table
from sqlalchemy.dialects import postgresql, sqlite

from app.core.usage import Grain, floor_of
from app.extensions import db


class Subject(NamedTuple):
    """Whose row it is: of an instance (or none) of a person, perhaps of one chat of it."""

    owner_id: str
    instance_id: str
    chat_id: str | None = None


Sums = Mapping[tuple[Subject, datetime], Mapping[str, int]]
"""How much of each counter was counted of whom at which moment."""


def add(table: Table, sums: Sums, grains: Collection[Grain] = tuple(Grain)) -> None:
    """Adds `sums` to the rows of `table` that their moments are in, one of each grain. The rows are
    always taken in the same order, so that no two transactions wait for each other."""
    rows: dict[tuple[Subject, Grain, datetime], Counter[str]] = {}
    for (subject, at), numbers in sums.items():
        for grain in grains:
            row = rows.setdefault((subject, grain, floor_of(at, grain)), Counter())
            for counter, number in numbers.items():
                row[counter] += number
    counters = tuple(sorted({name for row in rows.values() for name, n in row.items() if n}))
    if not counters:
        return
    values = [
        {**_key(table, subject), "grain": grain.value, "start": start}
        | {name: row[name] for name in counters}
        for (subject, grain, start), row in sorted(rows.items(), key=lambda one: _order(*one[0]))
        if any(row.values())
    ]
    db.session.execute(_adding(table, counters, db.session.get_bind().dialect.name), values)


def _key(table: Table, subject: Subject) -> dict[str, str]:
    return {name: value for name, value in subject._asdict().items() if name in table.c}


def _order(subject: Subject, grain: Grain, start: datetime) -> tuple[object, ...]:
    return subject.owner_id, grain, start, subject.instance_id, subject.chat_id or ""


@lru_cache(maxsize=256)
def _adding(table: Table, counters: tuple[str, ...], dialect: str) -> Insert:
    key = [column.name for column in table.primary_key]
    make: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = make(table)
    more = {name: table.c[name] + statement.excluded[name] for name in counters}
    adding: Insert = statement.on_conflict_do_update(index_elements=key, set_=more)
    return adding
