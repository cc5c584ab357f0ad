"""Tells the webhooks of a person that a limit of theirs was reached."""

from __future__ import annotations

from enum import StrEnum
from functools import partial

from sqlalchemy import select

from app import bell
from app.clock import utcnow
from app.core.events import Event, iso
from app.extensions import db
from app.models import User
from app.services import outbox
from app.transaction import after_rollback

AGAIN_AFTER = 3600
"""Seconds until the same limit is told again."""


class Limit(StrEnum):
    """What there may be only so much of."""

    INSTANCES = "instances"
    WEBHOOKS = "webhooks"
    SIGN_INS = "sign_ins"  # that failed, at one account


def refused(owner_id: str, limit: Limit, most: int) -> None:
    """Has the limit told once the running transaction is rolled back, for it is refused."""
    after_rollback(partial(tell, owner_id, limit, most), key=(owner_id, limit))


def tell(owner_id: str, limit: Limit, most: int) -> None:
    """Writes the event for the person's webhooks; once an hour of each limit."""
    if bell.once_in(AGAIN_AFTER, f"limit:{owner_id}:{limit}"):
        data = {"limit": limit, "most": most, "timestamp": iso(utcnow())}
        outbox.emit_to_person(owner_id, Event.LIMIT_EXCEEDED, data)


def tell_of_sign_ins(email: str, most: int) -> None:
    """The same of failed tries to sign in, if somebody has this address."""
    owner_id = db.session.scalar(select(User.id).where(User.email == email))
    if owner_id is not None:
        tell(owner_id, Limit.SIGN_INS, most)
