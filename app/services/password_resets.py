"""Links with which people who forgot their password set a new one."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from app.clock import utcnow
from app.core.errors import NotFound
from app.core.ids import new_id
from app.core.texts import N_
from app.extensions import db
from app.models import PasswordReset, User
from app.services import accounts, activity
from app.services.tokens import digest, new_token
from app.transaction import hold

LIFETIME = timedelta(hours=24)


def create(user: User, *, actor: User | None) -> tuple[str, PasswordReset]:
    """The token of a link for `user`, told only here, and its row; earlier links stop working."""
    now = utcnow()
    mine = update(PasswordReset).where(
        PasswordReset.user_id == user.id, PasswordReset.used_at.is_(None)
    )
    db.session.execute(mine.values(expires_at=now))
    token = new_token()
    row = PasswordReset(
        id=new_id("pwr", now),
        user_id=user.id,
        token_hash=digest(token),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    db.session.add(row)
    activity.record_of_person("user:password:reset_offered", user, actor=actor)
    return token, row


def owner_of(token: str) -> User:
    """The person a link is for. Raises NotFound when it is wrong, used or too old, or when the
    person is disabled."""
    return _find(token)[1]


def use(token: str, *, password: str) -> User:
    """Sets the password; nobody is signed in as this person afterwards, and the link is used up.
    Raises NotFound, Invalid (password)."""
    hold(_find(token)[0])
    row, user = _find(token)
    accounts.set_password(user, password)
    row.used_at = utcnow()
    activity.record("user:password:reset", actor=user)
    return user


def sweep(now: datetime) -> None:
    """Forgets the links that are over."""
    db.session.execute(delete(PasswordReset).where(PasswordReset.expires_at <= now))


def _find(token: str) -> tuple[PasswordReset, User]:
    found = db.session.execute(
        select(PasswordReset, User)
        .join(User, User.id == PasswordReset.user_id)
        .where(
            PasswordReset.token_hash == digest(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > utcnow(),
            User.disabled_at.is_(None),
        )
    ).first()
    if found is None:
        raise NotFound(N_("This link was used or is too old."), code="reset_link_invalid")
    return found.PasswordReset, found.User
