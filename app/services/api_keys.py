"""API keys: what programs prove with who they act for.

A person has one personal key, which may do whatever they may and can be replaced, and any number
of others with a name, scopes, chosen instances and an end (`named_keys`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.sql import ColumnElement

from app.clock import utcnow
from app.core.errors import NotFound, Unauthorized
from app.core.ids import new_id
from app.core.texts import N_
from app.extensions import db
from app.models import ApiKey, ApiKeyInstance, User
from app.services import activity
from app.services.tokens import digest, new_token
from app.transaction import hold, rows_changed

KEY_PREFIX = "wam_"
USE_NOTED_EVERY = timedelta(minutes=1)
OUTSIDE = N_("This API key is not for this instance.")


_FIND = select(ApiKey).where(
    ApiKey.key_hash == bindparam("key_hash"),
    or_(ApiKey.revoked_at.is_(None), ApiKey.revoked_at > bindparam("now")),
)
"""Made once: every request of a program asks it."""


class Grace(StrEnum):
    """How long a replaced key works on, so that programs can be given the new one in peace."""

    NONE = "none"
    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"


_LASTS = {
    Grace.NONE: timedelta(0),
    Grace.HOUR: timedelta(hours=1),
    Grace.DAY: timedelta(hours=24),
    Grace.WEEK: timedelta(days=7),
}


def find(key: str) -> ApiKey:
    """The working key, whether or not its owner may use it. Raises Unauthorized; one whose time is
    over is told apart, for whoever has it knows that it was one."""
    row = db.session.scalar(_FIND, {"key_hash": digest(key.strip()), "now": utcnow()})
    if row is None:
        raise Unauthorized(N_("The API key is wrong."), code="bad_api_key")
    if row.is_over(utcnow()):
        raise Unauthorized(N_("This API key has expired."), code="api_key_expired")
    return row


def reach_of(key: ApiKey) -> frozenset[str] | None:
    """The ids of the only instances that `key` is for; None for all of them."""
    if key.all_instances:
        return None
    query = select(ApiKeyInstance.instance_id).where(ApiKeyInstance.key_id == key.id)
    return frozenset(db.session.scalars(query))


def create_key(user: User, *, name: str = "") -> ApiKey:
    """A new personal key of `user`."""
    now = utcnow()
    key = new_token(KEY_PREFIX)
    row = ApiKey(
        id=new_id("key", now),
        user_id=user.id,
        name=name,
        key_hash=digest(key),
        key_encrypted=key,
        created_at=now,
    )
    db.session.add(row)
    return row


def current_key(user: User) -> ApiKey:
    """The personal key of `user` that works without an end. Raises NotFound without one."""
    key = db.session.scalar(
        select(ApiKey)
        .where(_personal_of(user), ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    )
    if key is None:
        raise NotFound()
    return key


def former_keys(user: User) -> list[ApiKey]:
    """Replaced personal keys of `user` that still work, the one that ends last first."""
    query = select(ApiKey).where(_personal_of(user), ApiKey.revoked_at > utcnow())
    return list(db.session.scalars(query.order_by(ApiKey.revoked_at.desc(), ApiKey.id.desc())))


def rotate(user: User, *, grace: Grace) -> ApiKey:
    """A new personal key in place of those there were. Those end when `grace` is over, or as soon
    as they would have anyway; with Grace.NONE at once, whatever was granted before."""
    hold(user)
    _end_by(user, utcnow() + _LASTS[grace])
    activity.record("user:api_key:rotated", actor=user, grace=grace)
    key = create_key(user)
    db.session.flush()
    return key


def end_former(user: User) -> None:
    """Ends every replaced key of `user` at once."""
    now = utcnow()
    for key in former_keys(user):
        key.revoked_at = now
    activity.record("user:api_key:ended", actor=user)


def is_use_due(key: ApiKey) -> bool:
    """Whether it was not noted lately that `key` is used: note_use() then."""
    return key.last_used_at is None or key.last_used_at < utcnow() - USE_NOTED_EVERY


def note_use(key_id: str) -> None:
    """Notes when the key was used last."""
    rows_changed(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=utcnow()))


def _personal_of(user: User) -> ColumnElement[bool]:
    return and_(ApiKey.user_id == user.id, ApiKey.scopes.is_(None))


def _end_by(user: User, end: datetime) -> None:
    late = or_(ApiKey.revoked_at.is_(None), ApiKey.revoked_at > end)
    for key in db.session.scalars(select(ApiKey).where(_personal_of(user), late)):
        key.revoked_at = end
