"""API keys: what programs prove with who they act for."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import or_, select, update
from sqlalchemy.sql import ColumnElement

from app.clock import utcnow
from app.core.errors import NotFound, Unauthorized
from app.core.ids import new_id
from app.core.texts import N_
from app.extensions import db
from app.models import ApiKey, User
from app.services import activity
from app.services.tokens import digest, new_token
from app.transaction import hold, rows_changed

KEY_PREFIX = "wam_"
USE_NOTED_EVERY = timedelta(minutes=5)


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
    """The working key, whether or not its owner may use it. Raises Unauthorized."""
    row = db.session.scalar(
        select(ApiKey).where(ApiKey.key_hash == digest(key.strip()), _works(utcnow()))
    )
    if row is None:
        raise Unauthorized(N_("The API key is wrong."), code="bad_api_key")
    return row


def create_key(user: User, *, name: str = "") -> ApiKey:
    """A new API key of `user`."""
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
    """The newest API key of `user` that works without an end. Raises NotFound without one."""
    key = db.session.scalar(
        select(ApiKey)
        .where(ApiKey.user_id == user.id, ApiKey.revoked_at.is_(None))
        .order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    )
    if key is None:
        raise NotFound()
    return key


def former_keys(user: User) -> list[ApiKey]:
    """Replaced keys of `user` that still work, the one that ends last first."""
    query = select(ApiKey).where(ApiKey.user_id == user.id, ApiKey.revoked_at > utcnow())
    return list(db.session.scalars(query.order_by(ApiKey.revoked_at.desc(), ApiKey.id.desc())))


def rotate(user: User, *, grace: Grace) -> ApiKey:
    """A new key in place of all others. Those end when `grace` is over, or as soon as they would
    have anyway; with Grace.NONE at once, whatever was granted before."""
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


def _end_by(user: User, end: datetime) -> None:
    late = or_(ApiKey.revoked_at.is_(None), ApiKey.revoked_at > end)
    for key in db.session.scalars(select(ApiKey).where(ApiKey.user_id == user.id, late)):
        key.revoked_at = end


def _works(now: datetime) -> ColumnElement[bool]:
    return or_(ApiKey.revoked_at.is_(None), ApiKey.revoked_at > now)
