"""Webhook endpoints: set up, changed, removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Conflict, NotFound
from app.core.events import Subscription
from app.core.ids import new_id
from app.core.signing import new_secret
from app.core.texts import N_
from app.extensions import db
from app.models import Endpoint, Instance, User
from app.models.webhook import LONGEST_INTERVAL_MS
from app.services import activity, instances, limits, outbox
from app.services.endpoint_rules import (
    check_limits,
    check_retries,
    checked_events,
    checked_headers,
    checked_secret,
    checked_url,
)
from app.services.limits import Limit
from app.transaction import hold

DEFAULT_EVENTS = (Subscription.RECEIVED, Subscription.SENT)
DEFAULT_MAX_RETRIES = 3
DEFAULT_RETRY_INTERVAL_MS = 60_000
DEFAULT_TIMEOUT_MS = 15_000
SECRET_GRACE = timedelta(days=1)
MAX_ENDPOINTS = 20
"""For each instance, and for all of a person's instances together."""
_FIRST_ENDPOINT = (
    select(Endpoint)
    .where(Endpoint.instance_id == bindparam("instance_id"))
    .order_by(Endpoint.id)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What an endpoint is to be, before it is judged."""

    url: str
    events: Iterable[str] = DEFAULT_EVENTS
    enabled: bool = True
    secret: str | None = None  # None: the one it has, else a fresh one
    headers: Mapping[str, str] = field(default_factory=dict)
    max_retries: int = DEFAULT_MAX_RETRIES
    retry_interval_ms: int = DEFAULT_RETRY_INTERVAL_MS
    max_interval_ms: int = LONGEST_INTERVAL_MS
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    verify_tls: bool = True


def wish_of(endpoint: Endpoint) -> Wish:
    """What `endpoint` is, to be changed."""
    return Wish(
        url=endpoint.url,
        events=endpoint.events,
        enabled=endpoint.enabled,
        headers=endpoint.headers,
        max_retries=endpoint.max_retries,
        retry_interval_ms=endpoint.retry_interval_ms,
        max_interval_ms=endpoint.max_interval_ms,
        timeout_ms=endpoint.timeout_ms,
        verify_tls=endpoint.verify_tls,
    )


def endpoint_of(instance: Instance) -> Endpoint | None:
    """The instance's first endpoint, which its form edits, if one was set."""
    return db.session.scalar(_FIRST_ENDPOINT, {"instance_id": instance.id})


def endpoints_of(owners: Sequence[Instance]) -> dict[str, Endpoint]:
    """The first endpoints of these instances by the instance's id, of those that have one."""
    ids = [instance.id for instance in owners]
    query = select(Endpoint).where(Endpoint.instance_id.in_(ids)).order_by(Endpoint.id.desc())
    return {str(endpoint.instance_id): endpoint for endpoint in db.session.scalars(query)}


def all_of(user: User, instance: Instance | None = None) -> list[Endpoint]:
    """The user's endpoints: those for all instances first, then by instance, oldest first. With
    `instance`, those that are told of its events."""
    alive = or_(Endpoint.instance_id.is_(None), Instance.deleted_at.is_(None))
    query = select(Endpoint).outerjoin(Instance, Instance.id == Endpoint.instance_id)
    query = query.where(Endpoint.owner_id == user.id, alive)
    if user.reach is not None:
        query = query.where(Endpoint.instance_id.in_(user.reach))
    if instance is not None:
        told = or_(Endpoint.instance_id.is_(None), Endpoint.instance_id == instance.id)
        query = query.where(told)
    order = (Endpoint.instance_id.is_not(None), Instance.name, Endpoint.id)
    return list(db.session.scalars(query.order_by(*order)))


def get_for(user: User, endpoint_id: str) -> Endpoint:
    """The endpoint, if it is the user's. Raises NotFound otherwise."""
    endpoint = db.session.get(Endpoint, endpoint_id)
    if endpoint is None or endpoint.owner_id != user.id:
        raise NotFound(N_("There is no such webhook."), code="webhook_not_found")
    if endpoint.instance is not None and endpoint.instance.deleted_at is not None:
        raise NotFound(N_("There is no such webhook."), code="webhook_not_found")
    instances.check_reach(user, endpoint.instance_id)
    return endpoint


def create(owner: User, instance: Instance | None, wish: Wish, *, actor: User) -> Endpoint:
    """A new endpoint, told of the events of `instance`, or of all that `owner` has.

    Raises Invalid with the field as the API names it, and Conflict when there are too many.
    """
    instances.check_reach(owner, instance.id if instance else None)
    _check_number(owner, instance)
    now = utcnow()
    endpoint = Endpoint(
        id=new_id("whe", now),
        owner_id=owner.id,
        instance_id=instance.id if instance else None,
        enabled=False,
        secret=new_secret(),
        created_at=now,
    )
    _apply(endpoint, wish)
    endpoint.former_secret = endpoint.former_until = None
    db.session.add(endpoint)
    _saved(endpoint, actor)
    return endpoint


def change(endpoint: Endpoint, wish: Wish, *, actor: User) -> None:
    """Gives the endpoint exactly these settings. Raises Invalid as create does."""
    was_enabled = endpoint.enabled
    _apply(endpoint, wish)
    _saved(endpoint, actor)
    was_broken = endpoint.broken_since is not None
    endpoint.forget_failures()
    if endpoint.enabled and (was_broken or not was_enabled):
        outbox.ring(endpoint.id)  # what waited while it was off, or paused


def save_endpoint(instance: Instance, *, actor: User, **settings: Any) -> Endpoint:
    """The instance's first endpoint with these settings, made if there is none.

    What is left out has its default, but for what the form does not show, which stays.
    """
    hold(instance)  # one first endpoint, which no constraint says
    endpoint = endpoint_of(instance)
    if endpoint is None:
        owner = db.session.get_one(User, instance.owner_id)
        endpoint = create(owner, instance, Wish(**settings), actor=actor)
        if endpoint.enabled:
            outbox.ring(endpoint.id)
        return endpoint
    names = ("max_interval_ms", "timeout_ms", "verify_tls")
    kept = {name: getattr(endpoint, name) for name in names}
    change(endpoint, Wish(**kept | settings), actor=actor)
    return endpoint


def rotate_secret(endpoint: Endpoint, *, actor: User, grace: timedelta = SECRET_GRACE) -> str:
    """A fresh secret, which signs everything from now on; the one before signs beside it until
    `grace` is over. One that was still in its own grace counts no more."""
    _replace_secret(endpoint, new_secret(), grace)
    activity.record("webhook:secret:replaced", instance=endpoint.instance, actor=actor)
    tell_of_change(endpoint)
    return endpoint.secret


def forget_former_secret(endpoint: Endpoint, *, actor: User) -> None:
    """Lets the secret before this one count no more, from the next request on."""
    if endpoint.former_secret is None:
        return
    endpoint.former_secret = endpoint.former_until = None
    activity.record("webhook:secret:forgotten", instance=endpoint.instance, actor=actor)
    tell_of_change(endpoint)


def delete(endpoint: Endpoint, *, actor: User) -> None:
    """Removes the endpoint with its deliveries, also those that were still due."""
    activity.record("webhook:endpoint:deleted", instance=endpoint.instance, actor=actor)
    tell_of_change(endpoint)
    db.session.delete(endpoint)
    db.session.flush()


def tell_of_change(endpoint: Endpoint) -> None:
    """Lets whoever polls the webhooks, or the instance they belong to, see that there is news."""
    bell.changed(topics.webhooks_of(endpoint.owner_id))
    if endpoint.instance is not None:
        instances.tell_of_change(endpoint.instance)


def _check_number(owner: User, instance: Instance | None) -> None:
    same = Endpoint.instance_id == instance.id if instance else Endpoint.instance_id.is_(None)
    query = select(func.count(Endpoint.id)).where(Endpoint.owner_id == owner.id, same)
    if (db.session.scalar(query) or 0) >= MAX_ENDPOINTS:
        message = N_("There may be at most %(count)d webhooks.")
        limits.refused(owner.id, Limit.WEBHOOKS, MAX_ENDPOINTS)
        raise Conflict(message, code="too_many_webhooks", count=MAX_ENDPOINTS)


def _apply(endpoint: Endpoint, wish: Wish) -> None:
    check_retries(wish.max_retries, wish.retry_interval_ms)
    check_limits(wish.retry_interval_ms, wish.max_interval_ms, wish.timeout_ms)
    url = checked_url(wish.url)
    if url != endpoint.url:  # another receiver, which has not failed yet
        endpoint.last_error = endpoint.last_error_at = None
    endpoint.url = url
    endpoint.events = checked_events(wish.events)
    endpoint.headers = checked_headers(dict(wish.headers))
    if wish.secret and checked_secret(wish.secret) != endpoint.secret:
        _replace_secret(endpoint, wish.secret, SECRET_GRACE)
    endpoint.enabled, endpoint.verify_tls = wish.enabled, wish.verify_tls
    endpoint.max_retries, endpoint.retry_interval_ms = wish.max_retries, wish.retry_interval_ms
    endpoint.max_interval_ms, endpoint.timeout_ms = wish.max_interval_ms, wish.timeout_ms


def _replace_secret(endpoint: Endpoint, secret: str, grace: timedelta) -> None:
    endpoint.former_secret = endpoint.former_until = None
    if grace:
        endpoint.former_secret, endpoint.former_until = endpoint.secret, utcnow() + grace
    endpoint.secret = secret


def _saved(endpoint: Endpoint, actor: User) -> None:
    db.session.flush()
    activity.record("webhook:endpoint:saved", instance=endpoint.instance, actor=actor)
    tell_of_change(endpoint)
