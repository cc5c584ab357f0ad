"""The journal: what happened, to which instance or account, by whom and from where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Tuple, delete, or_, select, tuple_
from sqlalchemy.orm import joinedload, lazyload, load_only
from sqlalchemy.sql.base import ExecutableOption

from app import bell, topics
from app.clock import utcnow
from app.config import current_settings
from app.core.ids import new_id
from app.core.journal import PREFIXES, Group
from app.extensions import db
from app.models import Activity, Instance, User

BATCH = 200
FORGOTTEN = 500
"""Lines in one transaction."""
ADDRESS_LENGTH = 45
Whose = Instance | User
"""An instance has a journal; that of a person tells of all their instances and of the account."""
SEARCHED = 5_000
"""Lines that one search looks through; it goes on where it stopped when asked again."""


def record(
    kind: str,
    *,
    instance: Instance | None = None,
    actor: User | None = None,
    owner_id: str | None = None,
    address: str | None = None,
    **detail: Any,
) -> Activity:
    """Adds a line to the journal of who owns the instance, else of `owner_id`, else of the actor.
    `detail` is JSON-able and never holds a secret; `address` is where the actor came from, if the
    actor does not know."""
    now = utcnow()
    came_from = address or (actor.came_from if actor else None)
    line = Activity(
        id=new_id("act", now),
        kind=kind,
        owner_id=_owner_of(instance, actor, owner_id),
        instance_id=instance.id if instance else None,
        user_id=actor.id if actor else None,
        via=actor.came_by if actor else None,
        address=came_from[:ADDRESS_LENGTH] if came_from else None,
        detail=detail,
        created_at=now,
    )
    db.session.add(line)
    if instance is not None:
        bell.changed(topics.journal(instance.id))
    if line.owner_id is not None:
        bell.changed(topics.journal(line.owner_id))
    return line


def record_of_person(kind: str, user: User, *, actor: User | None, **detail: Any) -> None:
    """What was done to somebody's account: a line in their journal, and in that of who did it."""
    record(kind, actor=actor, owner_id=user.id, user=user.email, **detail)
    if actor is not None and actor.id != user.id:
        record(kind, actor=actor, user=user.email, **detail)


def forget() -> int:
    """Removes up to FORGOTTEN lines that are older than JOURNAL_DAYS; how many there were. Nothing
    else removes lines, but erasing a person (services.erasures) and deleting what they are of."""
    if not (days := current_settings().journal_days):
        return 0
    old = Activity.created_at < utcnow() - timedelta(days=days)
    query = select(Activity.id).where(old).order_by(Activity.created_at).limit(FORGOTTEN)
    ids = list(db.session.scalars(query))
    db.session.execute(delete(Activity).where(Activity.id.in_(ids)))
    return len(ids)


def _owner_of(instance: Instance | None, actor: User | None, owner_id: str | None) -> str | None:
    if instance is not None:
        return instance.owner_id
    return owner_id or (actor.id if actor else None)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the journal, newest first."""

    lines: list[Activity]
    next: str | None  # the id to go on behind; None at the journal's end


def latest(instance: Instance, *, limit: int = 20) -> list[Activity]:
    """The newest lines of an instance's journal, newest first."""
    return page_of(instance, limit=limit).lines


def page_of(
    whose: Whose,
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
        lines = _batch(whose, group, behind, BATCH if fits else limit + 1)
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


def since(whose: Whose, first: str, *, group: Group | None, limit: int) -> list[Activity]:
    """The line with id `first` and all newer ones, newest first, the newest `limit` at most."""
    anchor = db.session.get(Activity, first)
    query = _of(whose, group)
    if anchor is not None and _is_of(anchor, whose):
        query = query.where(_place() >= _place(anchor))
    return list(db.session.scalars(query.limit(limit)))


def _batch(whose: Whose, group: Group | None, behind: str | None, limit: int) -> list[Activity]:
    query = _of(whose, group)
    anchor = db.session.get(Activity, behind) if behind else None
    if anchor is not None and _is_of(anchor, whose):
        query = query.where(_place() < _place(anchor))
    return list(db.session.scalars(query.limit(limit)))


def _of(whose: Whose, group: Group | None) -> Select[Activity]:
    query = select(Activity).options(joinedload(Activity.user))
    if isinstance(whose, Instance):
        query = query.where(Activity.instance_id == whose.id)
    else:
        query = query.where(Activity.owner_id == whose.id).options(_with_instance())
    if group is not None:
        query = query.where(_about(group))
    return query.order_by(Activity.created_at.desc(), Activity.id.desc())


def _with_instance() -> ExecutableOption:
    name = joinedload(Activity.instance)
    return name.options(load_only(Instance.name, Instance.deleted_at), lazyload(Instance.account))


def _is_of(line: Activity, whose: Whose) -> bool:
    return whose.id in {line.instance_id, line.owner_id}


def _place(line: type[Activity] | Activity = Activity) -> Tuple:
    """Where a line stands: by time, within one moment by id."""
    return tuple_(line.created_at, line.id)


def _about(group: Group) -> ColumnElement[bool]:
    if group is Group.PEOPLE:
        return Activity.user_id.is_not(None)
    return or_(*(Activity.kind.startswith(prefix) for prefix in PREFIXES[group]))
