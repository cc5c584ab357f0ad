"""The journal: what happened, to which instance, by whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Tuple, or_, select, tuple_
from sqlalchemy.orm import joinedload

from app import bell, topics
from app.clock import utcnow
from app.core.ids import new_id
from app.core.journal import PREFIXES, Group
from app.extensions import db
from app.models import Activity, Instance, User

BATCH = 200
SEARCHED = 5_000
"""Lines that one search looks through; it goes on where it stopped when asked again."""


def record(
    kind: str, *, instance: Instance | None = None, actor: User | None = None, **detail: Any
) -> Activity:
    """Adds a line to the journal. `detail` is JSON-able and never holds a secret."""
    now = utcnow()
    line = Activity(
        id=new_id("act", now),
        kind=kind,
        instance_id=instance.id if instance else None,
        user_id=actor.id if actor else None,
        via=actor.came_by if actor else None,
        detail=detail,
        created_at=now,
    )
    db.session.add(line)
    if instance is not None:
        bell.changed(topics.journal(instance.id))
    return line


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the journal, newest first."""

    lines: list[Activity]
    next: str | None  # the id to go on behind; None at the journal's end


def latest(instance: Instance, *, limit: int = 20) -> list[Activity]:
    """The newest lines of an instance's journal, newest first."""
    return page_of(instance, limit=limit).lines


def page_of(
    instance: Instance,
    *,
    group: Group | None = None,
    fits: Callable[[Activity], bool] | None = None,
    behind: str | None = None,
    limit: int = 50,
) -> Page:
    """Up to `limit` lines of `group`, newest first, from behind the line with id `behind`.

    `fits` chooses among them by what only the caller knows, such as their words. Then a page may
    end early: no more than SEARCHED lines are looked through at a time.
    """
    found: list[Activity] = []
    seen = 0
    while True:
        lines = _batch(instance, group, behind, BATCH if fits else limit + 1)
        for line in lines:
            if fits is None or fits(line):
                found.append(line)
            if len(found) > limit:
                return Page(found[:limit], found[limit - 1].id)
            behind = line.id
        seen += len(lines)
        if len(lines) < BATCH:
            return Page(found, None)
        if seen >= SEARCHED:
            return Page(found, behind)


def since(instance: Instance, first: str, *, group: Group | None, limit: int) -> list[Activity]:
    """The line with id `first` and all newer ones, newest first, the newest `limit` at most."""
    anchor = db.session.get(Activity, first)
    query = _of(instance, group)
    if anchor is not None and anchor.instance_id == instance.id:
        query = query.where(_place() >= _place(anchor))
    return list(db.session.scalars(query.limit(limit)))


def _batch(
    instance: Instance, group: Group | None, behind: str | None, limit: int
) -> list[Activity]:
    query = _of(instance, group)
    anchor = db.session.get(Activity, behind) if behind else None
    if anchor is not None and anchor.instance_id == instance.id:
        query = query.where(_place() < _place(anchor))
    return list(db.session.scalars(query.limit(limit)))


def _of(instance: Instance, group: Group | None) -> Select[Activity]:
    query = select(Activity).where(Activity.instance_id == instance.id)
    if group is not None:
        query = query.where(_about(group))
    return query.options(joinedload(Activity.user)).order_by(
        Activity.created_at.desc(), Activity.id.desc()
    )


def _place(line: type[Activity] | Activity = Activity) -> Tuple:
    """Where a line stands: by time, within one moment by id."""
    return tuple_(line.created_at, line.id)


def _about(group: Group) -> ColumnElement[bool]:
    if group is Group.PEOPLE:
        return Activity.user_id.is_not(None)
    return or_(*(Activity.kind.startswith(prefix) for prefix in PREFIXES[group]))
