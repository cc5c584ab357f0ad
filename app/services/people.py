"""The administrator's part: who may use this place, as what, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, func, or_, select
from sqlalchemy.sql import ColumnElement

from app.clock import utcnow
from app.core.errors import Conflict, Invalid, NotFound
from app.core.texts import N_
from app.extensions import db
from app.models import Instance, User
from app.models.user import ADMINISTRATOR, ROLES
from app.services import accounts, activity, deletions, instances, sessions, sign_ins
from app.transaction import alone, hold

MAX_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the list of people shows them."""

    user: User
    instances: int


def page_of(*, search: str = "", after: str | None, limit: int) -> tuple[list[Person], bool]:
    """Up to `limit` people whose name or address has `search` in it, oldest account first, from
    behind the one with id `after`; and whether there are more."""
    query = _counted().where(User.id > (after or ""))
    if search.strip():
        query = query.where(_has(search.strip()))
    rows = db.session.execute(query.order_by(User.id).limit(limit + 1)).all()
    return [Person(*row) for row in rows[:limit]], len(rows) > limit


def get(user_id: str) -> Person:
    """One person. Raises NotFound."""
    row = db.session.execute(_counted().where(User.id == user_id)).first()
    if row is None:
        raise _unknown()
    return Person(*row)


def by_email(email: str) -> User:
    """The person with this address. Raises NotFound."""
    user: User | None = db.session.scalar(select(User).where(User.email == email.strip().lower()))
    if user is None:
        raise _unknown()
    return user


def change_role(user: User, role: str, *, actor: User | None) -> None:
    """Makes `user` an administrator, or no longer one. Raises Invalid (role), and Conflict for
    the last administrator."""
    role = checked_role(role)
    if role == user.role:
        return
    _leave_an_administrator(user)
    user.role = role
    activity.record_of_person("user:role:changed", user, actor=actor, role=role)


def change_limit(user: User, limit: int | None, *, actor: User | None) -> None:
    """How many instances `user` may have; None for as many as they like. Those beyond it stay.
    Raises Invalid (instance_limit)."""
    limit = checked_limit(limit)
    if limit != user.instance_limit:
        user.instance_limit = limit
        activity.record_of_person("user:limit:changed", user, actor=actor, limit=limit)


def disable(user: User, *, actor: User | None, stop_instances: bool) -> None:
    """Shuts `user` out at once: browsers are signed out, keys and tokens refused. The instances
    go on running and telling webhooks, unless they are stopped; their phones stay linked either
    way. Raises Conflict for the last administrator and for oneself."""
    _refuse_oneself(user, actor)
    if not user.is_active:
        return
    _leave_an_administrator(user)
    user.disabled_at = utcnow()
    sign_ins.end_all(user)
    if stop_instances:
        for instance in instances.all_of(user):
            sessions.stop(instance, actor=actor)
    activity.record_of_person("user:account:disabled", user, actor=actor, stopped=stop_instances)


def enable(user: User, *, actor: User | None) -> None:
    """Lets `user` in again. API keys work again; browsers and tokens have to sign in anew, and
    instances that were stopped stay so until they are started."""
    if user.is_active:
        return
    user.disabled_at = None
    accounts.end_tokens(user)
    activity.record_of_person("user:account:enabled", user, actor=actor)


@dataclass(frozen=True, slots=True)
class Belongings:
    """What would be lost with a person."""

    instances: int
    chats: int
    messages: int


def belongings_of(user: User) -> Belongings:
    """The number of instances of `user`, and of what is in them."""
    contents = [deletions.loss_of(instance) for instance in instances.all_of(user)]
    return Belongings(
        instances=len(contents),
        chats=sum(one.chats for one in contents),
        messages=sum(one.messages for one in contents),
    )


def delete(user: User, *, actor: User | None) -> None:
    """Removes `user` with all instances, chats and messages. Raises Conflict for the last
    administrator and for oneself."""
    _refuse_oneself(user, actor)
    _leave_an_administrator(user)
    for instance in instances.all_of(user):
        deletions.delete(instance, actor=actor)
    activity.record("user:account:deleted", actor=actor, user=user.email)
    sign_ins.end_all(user)
    db.session.delete(user)
    db.session.flush()


def checked_role(role: str) -> str:
    """`role`. Raises Invalid (role) when there is none of that name."""
    if role not in ROLES:
        raise Invalid(N_("There is no such role."), field="role", code="unknown_role")
    return role


def checked_limit(limit: int | None) -> int | None:
    """`limit`. Raises Invalid (instance_limit) when it is no number of instances."""
    if limit is not None and not 0 <= limit <= MAX_LIMIT:
        message = N_("From 0 to %(count)d, or nothing for no limit.")
        raise Invalid(message, field="instance_limit", code="bad_instance_limit", count=MAX_LIMIT)
    return limit


def _counted() -> Select[User, int]:
    owned = select(func.count(Instance.id)).where(
        Instance.owner_id == User.id, Instance.deleted_at.is_(None)
    )
    return select(User, owned.scalar_subquery())


def _has(words: str) -> ColumnElement[bool]:
    """Whether name or address has `words` in it. SQLite knows large and small letters of English
    alone, so names are also looked for as names are written."""
    spellings = {words, words.lower(), words.upper(), words.title()}
    return or_(
        User.email.contains(words.lower(), autoescape=True),
        func.lower(User.name).contains(words.lower(), autoescape=True),
        *(User.name.contains(one, autoescape=True) for one in sorted(spellings)),
    )


def _unknown() -> NotFound:
    return NotFound(N_("There is no such person."), code="user_not_found")


def _refuse_oneself(user: User, actor: User | None) -> None:
    if actor is not None and user.id == actor.id:
        message = N_("This is your own account. Ask another administrator.")
        raise Conflict(message, code="own_account")


def _leave_an_administrator(user: User) -> None:
    """Raises Conflict when nobody could manage people without `user`."""
    alone("administrators")
    hold(user)
    others = select(User.id).where(
        User.role == ADMINISTRATOR, User.disabled_at.is_(None), User.id != user.id
    )
    if user.role == ADMINISTRATOR and user.is_active and db.session.scalar(others) is None:
        message = N_("This is the last administrator. Make somebody else one first.")
        raise Conflict(message, code="last_administrator")
