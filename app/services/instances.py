"""Instances: made, changed, shown, and moved from state to state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict, Invalid, NotFound
from app.core.ids import new_id
from app.core.states import DesiredState, InstanceState, may_move
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Instance, LinkedAccount, Message, User
from app.services import activity
from app.transaction import rows_changed

NAME_LENGTH = 60
DESCRIPTION_LENGTH = 1000


def all_of(user: User) -> list[Instance]:
    """The instances `user` owns, by name."""
    query = select(Instance).where(Instance.owner_id == user.id).order_by(Instance.name)
    return list(db.session.scalars(query))


@dataclass(frozen=True, slots=True)
class Summary:
    """An instance as a list shows it."""

    instance: Instance
    unread: int
    active_at: datetime  # the newest message, or the last change of state


def summaries_of(user: User) -> list[Summary]:
    """The instances `user` owns, by name, with what waits in their chats."""
    chats = (
        select(
            Instance.id, func.sum(Chat.unread).label("unread"), func.max(Chat.last_at).label("at")
        )
        .join(Chat, Chat.account_id == Instance.account_id)
        .where(Instance.owner_id == user.id)
        .group_by(Instance.id)
        .subquery()
    )
    query = (
        select(Instance, chats.c.unread, chats.c.at)
        .outerjoin(chats, chats.c.id == Instance.id)
        .where(Instance.owner_id == user.id)
        .order_by(Instance.name)
    )
    return [
        Summary(
            instance, unread or 0, max(instance.state_changed_at, newest or instance.created_at)
        )
        for instance, unread, newest in db.session.execute(query)
    ]


def page_of(user: User, *, after: str | None, limit: int) -> tuple[list[Instance], bool]:
    """Up to `limit` of the user's instances, oldest first, from behind the one with id `after`;
    and whether there are more."""
    query = select(Instance).where(Instance.owner_id == user.id, Instance.id > (after or ""))
    found = list(db.session.scalars(query.order_by(Instance.id).limit(limit + 1)))
    return found[:limit], len(found) > limit


def get_for(user: User, instance_id: str) -> Instance:
    """The instance, if it is the user's. Raises NotFound otherwise: whose it is, is not told."""
    instance = db.session.get(Instance, instance_id)
    if instance is None or instance.owner_id != user.id:
        raise NotFound(N_("There is no such instance."), code="instance_not_found")
    return instance


def create(*, owner: User, name: str, description: str = "") -> Instance:
    """A new instance, not linked yet. Raises Invalid (also when the name is taken)."""
    now = utcnow()
    instance = Instance(
        id=new_id("ins", now),
        owner_id=owner.id,
        name=_checked_name(owner.id, name),
        description=_checked_description(description),
        state=InstanceState.CREATED,
        state_changed_at=now,
        created_at=now,
        desired=DesiredState.STOPPED,
        reason_detail={},
    )
    db.session.add(instance)
    db.session.flush()
    activity.record("instance:settings:created", instance=instance, actor=owner)
    bell.changed(topics.instances_of(owner.id))
    return instance


def change(
    instance: Instance, *, actor: User, name: str | None = None, description: str | None = None
) -> None:
    """Changes what is given. Raises Invalid (also when the name is taken)."""
    if name is not None and name.strip() != instance.name:
        instance.name = _checked_name(instance.owner_id, name)
    if description is not None:
        instance.description = _checked_description(description)
    activity.record("instance:settings:changed", instance=instance, actor=actor)
    tell_of_change(instance)


@dataclass(frozen=True, slots=True)
class Contents:
    """How much would be lost with an instance."""

    chats: int
    messages: int


def contents_of(instance: Instance) -> Contents:
    """The number of chats and messages of all accounts that were ever linked to it."""
    return Contents(
        chats=_count(select(Chat.id).where(Chat.instance_id == instance.id)),
        messages=_count(select(Message.id).where(Message.instance_id == instance.id)),
    )


def delete(instance: Instance, *, actor: User) -> None:
    """Removes the instance with its chats, messages and webhooks; its session is closed."""
    activity.record("instance:settings:deleted", actor=actor, name=instance.name)
    bell.changed(topics.instances_of(instance.owner_id), topics.instance(instance.id))
    bell.wake(instance.id)
    instance.account_id = None
    db.session.flush()
    db.session.delete(instance)
    db.session.flush()


def move(
    instance: Instance,
    to: InstanceState,
    *,
    reason: str | None = None,
    detail: dict[str, Any] | None = None,
    retry_at: datetime | None = None,
    actor: User | None = None,
) -> None:
    """The only writer of an instance's state.

    `reason` is a slug of core.reasons. Raises Conflict when the state is no longer the one the
    caller saw, or the move is not allowed.
    """
    seen = instance.instance_state
    if seen != to and not may_move(seen, to):
        raise Conflict(N_("The instance is not in a state that allows this."), code="wrong_state")
    values: dict[str, Any] = {"reason": reason, "reason_detail": detail or {}, "retry_at": retry_at}
    if seen != to:
        values |= {"state": to, "state_changed_at": utcnow()}
    statement = update(Instance).where(Instance.id == instance.id, Instance.state == seen)
    if rows_changed(statement.values(values)) != 1:
        raise Conflict()
    db.session.refresh(instance)
    if seen != to:
        activity.record(
            "instance:state:changed", instance=instance, actor=actor, to=to, reason=reason
        )
    tell_of_change(instance)


def tell_of_change(instance: Instance) -> None:
    """Lets whoever polls this instance, or its owner's list, see that there is news."""
    bell.changed(topics.instance(instance.id), topics.instances_of(instance.owner_id))


def want(instance: Instance, desired: DesiredState) -> None:
    """Sets what the owner wants of the session; hosts and the clock act on it."""
    instance.desired = desired
    tell_of_change(instance)
    bell.wake(instance.id)


def linked_elsewhere(instance: Instance, phone: str) -> Instance | None:
    """Another running instance, of any owner, that has `phone` linked; None where there is none."""
    return db.session.scalar(
        select(Instance)
        .join(LinkedAccount, LinkedAccount.id == Instance.account_id)
        .where(
            LinkedAccount.phone == phone,
            LinkedAccount.unlinked_at.is_(None),
            Instance.desired == DesiredState.RUNNING,
            Instance.id != instance.id,
        )
    )


def _count(query: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _checked_name(owner_id: str, name: str) -> str:
    name = name.strip()
    if not name:
        raise Invalid(N_("Give the instance a name."), field="name", code="name_missing")
    if len(name) > NAME_LENGTH:
        message = N_("The name may have at most %(count)d characters.")
        raise Invalid(message, field="name", code="name_too_long", count=NAME_LENGTH)
    taken = select(Instance.id).where(Instance.owner_id == owner_id, Instance.name == name)
    if db.session.scalar(taken):
        message = N_("You already have an instance with this name.")
        raise Invalid(message, field="name", code="name_taken")
    return name


def _checked_description(description: str) -> str:
    description = description.strip()
    if len(description) > DESCRIPTION_LENGTH:
        message = N_("The description may have at most %(count)d characters.")
        raise Invalid(
            message, field="description", code="description_too_long", count=DESCRIPTION_LENGTH
        )
    return description
