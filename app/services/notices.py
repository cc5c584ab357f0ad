"""Notices, as their person sees them. What they are about is looked for by services.alarms."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, ScalarSelect, func, literal, select, update
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from app import bell, topics
from app.clock import utcnow
from app.core.errors import NotFound
from app.core.texts import N_
from app.extensions import db
from app.models import Notice, User
from app.transaction import rows_changed


def unread(user_id: str) -> int:
    """How many the person has not looked at."""
    return db.session.scalar(select(unread_of(literal(user_id)))) or 0


def unread_of(user_id: ColumnElement[str] | InstrumentedAttribute[str]) -> ScalarSelect[int]:
    """The same as a part of another query."""
    new = (Notice.user_id == user_id, Notice.read_at.is_(None), Notice.dismissed_at.is_(None))
    return select(func.count(Notice.id)).where(*new).scalar_subquery()


def all_of(user: User) -> Sequence[Notice]:
    """Those that were not dismissed, the newest first, with what they are about."""
    query = select(Notice).where(Notice.user_id == user.id, Notice.dismissed_at.is_(None))
    about = (joinedload(Notice.instance), joinedload(Notice.endpoint))
    return db.session.scalars(query.options(*about).order_by(Notice.id.desc())).all()


def read(user: User) -> None:
    """Counts those that there are as seen."""
    mine = update(Notice).where(Notice.user_id == user.id, Notice.read_at.is_(None))
    if rows_changed(mine.values(read_at=utcnow())):
        bell.changed(topics.notices_of(user.id))


def dismiss(user: User, notice_id: str) -> None:
    """Takes one off the list until its trouble has ended and begun anew. Raises NotFound."""
    mine = update(Notice).where(Notice.id == notice_id, Notice.user_id == user.id)
    if not rows_changed(mine.values(dismissed_at=utcnow(), read_at=utcnow())):
        raise NotFound(N_("There is no such notice: perhaps it is over."), code="notice_not_found")
    bell.changed(topics.notices_of(user.id))
