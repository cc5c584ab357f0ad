"""Invitations: links with which people make their own accounts. No mail is sent; the link is
given to the person by whatever way the administrator has."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.sql import ColumnElement

from app.clock import utcnow
from app.core.errors import Invalid, NotFound
from app.core.ids import new_id
from app.core.texts import N_
from app.extensions import db
from app.models import Invitation, User
from app.models.user import ADMINISTRATOR, USER
from app.services import accounts, activity, people
from app.services.tokens import digest, new_token
from app.transaction import hold

MAX_DAYS = 30
DEFAULT_DAYS = 7
_KEPT_FOR = timedelta(days=30)


def create(
    *,
    actor: User | None,
    email: str = "",
    role: str = USER,
    instance_limit: int | None = None,
    days: int = DEFAULT_DAYS,
) -> Invitation:
    """A link that makes one account within `days`. `email` only says whom it is for, and whoever
    follows the link may write another. Raises Invalid (email, role, instance_limit, days)."""
    if not 1 <= days <= MAX_DAYS:
        message = N_("From 1 to %(count)d days.")
        raise Invalid(message, field="days", code="bad_days", count=MAX_DAYS)
    now = utcnow()
    token = new_token()
    row = Invitation(
        id=new_id("inv", now),
        token_hash=digest(token),
        token_encrypted=token,
        email=accounts.checked_email(email) if email.strip() else "",
        role=people.checked_role(role),
        instance_limit=people.checked_limit(instance_limit),
        created_by_id=actor.id if actor else None,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    db.session.add(row)
    db.session.flush()
    told = row.email or "—"
    activity.record("user:invitation:created", actor=actor, email=told, role=row.role)
    return row


def open_ones() -> list[Invitation]:
    """The invitations that still work, newest first."""
    query = select(Invitation).where(*_works()).order_by(Invitation.id.desc())
    return list(db.session.scalars(query))


def find(token: str) -> Invitation:
    """The invitation behind a link. Raises NotFound when it is wrong, used, taken back or too
    old."""
    query = select(Invitation).where(Invitation.token_hash == digest(token), *_works())
    row = db.session.scalar(query)
    if row is None:
        message = N_("This invitation was used, taken back, or is too old.")
        raise NotFound(message, code="invitation_invalid")
    return row


def accept(token: str, *, email: str, password: str, name: str = "") -> User:
    """The account made by an invitation, which is used up. Raises NotFound, Invalid, Conflict."""
    hold(find(token))
    invitation = find(token)
    user = accounts.create_user(
        email=email,
        password=password,
        name=name,
        administrator=invitation.role == ADMINISTRATOR,
        instance_limit=invitation.instance_limit,
    )
    invitation.used_at = utcnow()
    return user


def take_back(invitation_id: str, *, actor: User) -> None:
    """Makes the link worthless. Raises NotFound."""
    query = select(Invitation).where(Invitation.id == invitation_id, *_works())
    row = db.session.scalar(query)
    if row is None:
        raise NotFound(N_("There is no such invitation."), code="invitation_not_found")
    row.expires_at = utcnow()
    activity.record("user:invitation:taken_back", actor=actor, email=row.email or "—")


def sweep(now: datetime) -> None:
    """Forgets invitations that were over a month ago."""
    db.session.execute(delete(Invitation).where(Invitation.expires_at < now - _KEPT_FOR))


def _works() -> tuple[ColumnElement[bool], ...]:
    return Invitation.used_at.is_(None), Invitation.expires_at > utcnow()
