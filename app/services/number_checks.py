"""Asking WhatsApp whether a number has an account: a page writes the question, the host that holds
the session answers it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.ids import new_id
from app.extensions import db
from app.models import Instance, NumberCheck
from app.transaction import rows_changed

GOOD_FOR = timedelta(seconds=30)
"""Nobody waits for an answer that comes later."""
_KEPT = timedelta(hours=1)


def ask(instance: Instance, phone: str) -> NumberCheck:
    """A question about the number `phone` (digits); old ones of the instance are forgotten."""
    now = utcnow()
    old = NumberCheck.instance_id == instance.id, NumberCheck.asked_at < now - _KEPT
    db.session.execute(delete(NumberCheck).where(*old))
    check = NumberCheck(id=new_id("chk", now), instance_id=instance.id, phone=phone, asked_at=now)
    db.session.add(check)
    db.session.flush()
    bell.wake(instance.id)
    return check


def of_numbers(instance: Instance, phones: Collection[str | None]) -> dict[str, NumberCheck]:
    """The last question about each of these numbers, as far as there was one within the hour."""
    query = select(NumberCheck).where(
        NumberCheck.instance_id == instance.id,
        NumberCheck.phone.in_(set(phones) - {None}),
        NumberCheck.asked_at > utcnow() - _KEPT,
    )
    return {check.phone: check for check in db.session.scalars(query.order_by(NumberCheck.id))}


def is_open(now: datetime) -> ColumnElement[bool]:
    """Of questions: those that somebody still waits for."""
    return and_(NumberCheck.answered_at.is_(None), NumberCheck.asked_at > now - GOOD_FOR)


def next_open(instance_id: str) -> NumberCheck | None:
    """The oldest question about this instance that somebody still waits for."""
    query = select(NumberCheck).where(NumberCheck.instance_id == instance_id, is_open(utcnow()))
    return db.session.scalar(query.order_by(NumberCheck.asked_at, NumberCheck.id).limit(1))


def answer(check_id: str, *, registered: bool | None, lid: str | None = None) -> bool:
    """Writes the answer down; None where WhatsApp did not say. False when there is one already."""
    statement = update(NumberCheck).where(
        NumberCheck.id == check_id, NumberCheck.answered_at.is_(None)
    )
    values = {"answered_at": utcnow(), "registered": registered, "lid": lid}
    if rows_changed(statement.values(**values)) != 1:
        return False
    asked_by = select(NumberCheck.instance_id).where(NumberCheck.id == check_id)
    bell.changed(topics.number_check(check_id), topics.contacts(db.session.scalars(asked_by).one()))
    return True
