"""The journal: what happened, to which instance, by whom."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.clock import utcnow
from app.core.ids import new_id
from app.extensions import db
from app.models import Activity, Instance, User


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
        detail=detail,
        created_at=now,
    )
    db.session.add(line)
    return line


def latest(instance: Instance, *, limit: int = 20) -> list[Activity]:
    """The newest lines of an instance's journal, newest first."""
    query = (
        select(Activity)
        .where(Activity.instance_id == instance.id)
        .order_by(Activity.created_at.desc(), Activity.id.desc())
        .limit(limit)
    )
    return list(db.session.scalars(query))
