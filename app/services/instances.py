"""Instances: made, changed, shown, and moved from state to state."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, update

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.events import connection_event, iso
from app.core.ids import new_id
from app.core.presence import Presence
from app.core.states import DesiredState, InstanceState, may_move
from app.core.texts import N_
from app.extensions import db
from app.models import Instance, LinkedAccount, User
from app.services import activity, limits, metering, outbox
from app.services.api_keys import OUTSIDE
from app.services.limits import Limit
from app.transaction import rows_changed

NAME_LENGTH = 60
DESCRIPTION_LENGTH = 1000
_TROUBLED = {InstanceState.DISCONNECTED, InstanceState.LOGGED_OUT, InstanceState.FAILED}
_INTENDED = {None, "signed_out_here"}
"""Reasons that are no trouble: somebody wanted it so."""


def all_of(user: User) -> list[Instance]:
    """The instances `user` owns, by name."""
    query = select(Instance).where(belongs_to(user)).order_by(Instance.name)
    return list(db.session.scalars(query))


def belongs_to(user: User) -> ColumnElement[bool]:
    """True for the instances that `user` owns and has not deleted, within their reach."""
    owned = and_(Instance.owner_id == user.id, Instance.deleted_at.is_(None))
    return owned if user.reach is None else and_(owned, Instance.id.in_(user.reach))


def page_of(user: User, *, after: str | None, limit: int) -> tuple[list[Instance], bool]:
    """Up to `limit` of the user's instances, oldest first, from behind the one with id `after`;
    and whether there are more."""
    query = select(Instance).where(belongs_to(user), Instance.id > (after or ""))
    found = list(db.session.scalars(query.order_by(Instance.id).limit(limit + 1)))
    return found[:limit], len(found) > limit


def get_for(user: User, instance_id: str) -> Instance:
    """The instance, if it is the user's. Raises NotFound otherwise: whose it is, is not told; and
    Forbidden for what the key is not for, whether or not it is there."""
    check_reach(user, instance_id)
    instance = db.session.get(Instance, instance_id)
    if instance is None or instance.owner_id != user.id or instance.deleted_at is not None:
        raise NotFound(N_("There is no such instance."), code="instance_not_found")
    return instance


def check_reach(user: User, instance_id: str | None) -> None:
    """Nothing. Raises Forbidden where the key that was sent is not for this instance; None: for
    what is of all instances, or of none yet."""
    if user.reach is not None and instance_id not in user.reach:
        raise Forbidden(OUTSIDE, code="outside_key")


def create(*, owner: User, name: str, description: str = "") -> Instance:
    """A new instance, not linked yet. Raises Invalid (also when the name is taken), and Conflict
    when the owner has as many as allowed."""
    check_reach(owner, None)
    _check_limit(owner.id)
    now = utcnow()
    instance = Instance(
        id=new_id("ins", now),
        owner_id=owner.id,
        name=checked_name(owner.id, name),
        description=checked_description(description),
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
        instance.name = checked_name(instance.owner_id, name)
    if description is not None:
        instance.description = checked_description(description)
    activity.record("instance:settings:changed", instance=instance, actor=actor)
    tell_of_change(instance)


def show_presence(instance: Instance, presence: Presence, *, actor: User) -> None:
    """Sets whether the account is shown as online, also on a connection that stands."""
    if presence == instance.presence:
        return
    instance.presence = presence
    activity.record("instance:presence:changed", instance=instance, actor=actor, presence=presence)
    tell_of_change(instance)
    bell.wake(instance.id)


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
    was_in_trouble = _is_in_trouble(instance)
    values |= _trouble(instance, to, reason, values["reason_detail"])
    statement = update(Instance).where(Instance.id == instance.id, Instance.state == seen)
    if rows_changed(statement.values(values)) != 1:
        raise Conflict()
    db.session.refresh(instance)
    if seen != to:
        line = activity.record("instance:state:changed", instance=instance, actor=actor)
        line.detail = {**(detail or {}), "to": to, "reason": reason}  # it may have an "instance"
        metering.moved(seen, to, reason=reason, was_in_trouble=was_in_trouble)
        _tell_endpoints(instance, seen)
    tell_of_change(instance)


def _tell_endpoints(instance: Instance, seen: InstanceState) -> None:
    """Writes the webhook event of a move away from `seen`, if it is one: a drop is told once, not
    again with each failed try to connect."""
    event = connection_event(seen, instance.instance_state)
    if event is None:
        return
    data = {
        "state": instance.state,
        "reason": instance.reason,
        "phone": instance.account.phone if instance.account else None,
        "timestamp": iso(instance.state_changed_at),
    }
    outbox.emit(instance.id, event, data)


def _trouble(
    instance: Instance, to: InstanceState, reason: str | None, detail: dict[str, Any]
) -> dict[str, Any]:
    """What a move to `to` says of the last trouble: it begins, goes on with another reason, or is
    over. Trying to connect again is no end of it."""
    lasts = _is_in_trouble(instance)
    if to in _TROUBLED and reason not in _INTENDED:
        begun = {} if lasts else {"problem_since": utcnow(), "problem_until": None}
        return {"problem": reason, "problem_detail": detail} | begun
    if lasts and to is not InstanceState.CONNECTING:
        return {"problem_until": utcnow()}
    return {}


def _is_in_trouble(instance: Instance) -> bool:
    return instance.problem_since is not None and instance.problem_until is None


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


def _check_limit(owner_id: str) -> None:
    """Raises Conflict when the owner may have no other instance. Two that are made at once are
    counted one after the other."""
    held = select(User.instance_limit).where(User.id == owner_id).with_for_update(key_share=True)
    limit = db.session.scalar(held)
    owned = select(func.count(Instance.id)).where(
        Instance.owner_id == owner_id, Instance.deleted_at.is_(None)
    )
    if limit is not None and (db.session.scalar(owned) or 0) >= limit:
        message = N_(
            "Your limit of instances is reached: %(limit)d. Delete one, or ask an administrator "
            "for a higher limit."
        )
        limits.refused(owner_id, Limit.INSTANCES, limit)
        raise Conflict(message, code="instance_limit_reached", limit=limit)


def checked_name(owner_id: str, name: str) -> str:
    """`name` without surrounding blanks, free to be taken. Raises Invalid (name)."""
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


def checked_description(description: str) -> str:
    """`description` without surrounding blanks. Raises Invalid (description)."""
    description = description.strip()
    if len(description) > DESCRIPTION_LENGTH:
        message = N_("The description may have at most %(count)d characters.")
        raise Invalid(
            message, field="description", code="description_too_long", count=DESCRIPTION_LENGTH
        )
    return description
