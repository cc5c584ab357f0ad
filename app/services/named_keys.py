"""API keys beside the personal one: for one program each, with no more than it needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from app.clock import utcnow
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.scopes import Scope
from app.core.texts import N_
from app.extensions import db
from app.models import ApiKey, ApiKeyInstance, Instance, User
from app.services import activity
from app.services.api_keys import KEY_PREFIX
from app.services.tokens import digest, new_token
from app.transaction import hold

NAME_LENGTH = 60
MAX_KEYS = 50
LONGEST = timedelta(days=3660)


def all_of(user: User) -> list[ApiKey]:
    """The keys of `user` that were not revoked, newest first; those whose time is over as well."""
    query = select(ApiKey).where(
        ApiKey.user_id == user.id, ApiKey.scopes.is_not(None), ApiKey.revoked_at.is_(None)
    )
    return list(db.session.scalars(query.order_by(ApiKey.created_at.desc(), ApiKey.id.desc())))


def get_for(user: User, key_id: str) -> ApiKey:
    """The key, if it is the user's and was not revoked. Raises NotFound otherwise."""
    key = db.session.get(ApiKey, key_id)
    if key is None or key.user_id != user.id or key.is_personal or key.revoked_at is not None:
        raise NotFound(N_("There is no such API key."), code="key_not_found")
    return key


def instances_of(keys: Sequence[ApiKey]) -> dict[str, list[Instance]]:
    """The instances that those of the keys are for which are not for all, by the key's id."""
    query = (
        select(ApiKeyInstance.key_id, Instance)
        .join(Instance, Instance.id == ApiKeyInstance.instance_id)
        .where(ApiKeyInstance.key_id.in_([key.id for key in keys]), Instance.deleted_at.is_(None))
        .order_by(Instance.name)
    )
    found: dict[str, list[Instance]] = {}
    for key_id, instance in db.session.execute(query):
        found.setdefault(key_id, []).append(instance)
    return found


def create(
    user: User,
    *,
    name: str,
    scopes: Iterable[str],
    only: Sequence[Instance] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and what it is, which is told only here. `only` are the instances that it is for;
    None: all that there are and will be. Raises Invalid (name, scopes, instanceIds, expiresAt) and
    Conflict when there are too many."""
    hold(user)
    _check_number(user)
    now = utcnow()
    secret = new_token(KEY_PREFIX)
    key = ApiKey(
        id=new_id("key", now),
        user_id=user.id,
        name=_checked_name(name),
        key_hash=digest(secret),
        key_encrypted=None,
        ending=secret[-4:],
        scopes=_checked_scopes(scopes),
        all_instances=only is None,
        created_at=now,
        expires_at=_checked_end(expires_at, now),
    )
    db.session.add(key)
    db.session.flush()
    _limit(key, only)
    activity.record("user:api_key:created", actor=user, name=key.name)
    return key, secret


def revoke(user: User, key: ApiKey) -> None:
    """Ends `key` at once."""
    key.revoked_at = utcnow()
    activity.record("user:api_key:revoked", actor=user, name=key.name)


def _limit(key: ApiKey, only: Sequence[Instance] | None) -> None:
    if only is None:
        return
    if not only:
        message = N_("Choose at least one instance.")
        raise Invalid(message, field="instanceIds", code="no_instances")
    for instance_id in {instance.id for instance in only}:
        db.session.add(ApiKeyInstance(key_id=key.id, instance_id=instance_id))
    db.session.flush()


def _check_number(user: User) -> None:
    query = select(func.count(ApiKey.id)).where(
        ApiKey.user_id == user.id, ApiKey.scopes.is_not(None), ApiKey.revoked_at.is_(None)
    )
    if (db.session.scalar(query) or 0) >= MAX_KEYS:
        message = N_("There may be at most %(count)d API keys.")
        raise Conflict(message, code="too_many_keys", count=MAX_KEYS)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise Invalid(N_("Give the key a name."), field="name", code="name_missing")
    if len(name) > NAME_LENGTH:
        message = N_("The name may have at most %(count)d characters.")
        raise Invalid(message, field="name", code="name_too_long", count=NAME_LENGTH)
    return name


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = set(scopes)
    if not wanted or not wanted <= set(Scope):
        message = N_("Choose what the key may do: read, send, manage.")
        raise Invalid(message, field="scopes", code="bad_scopes")
    return [scope.value for scope in Scope if scope in wanted]


def _checked_end(end: datetime | None, now: datetime) -> datetime | None:
    if end is not None and not now < end <= now + LONGEST:
        message = N_("The key must end in the future, within ten years.")
        raise Invalid(message, field="expiresAt", code="bad_expiry")
    return end
