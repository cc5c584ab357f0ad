"""Deleting an instance: what would be lost, and the way from the wish to the last row.

A session that runs is ended first: its host logs the device out, or closes it. Meanwhile the
instance is invisible, and the clock removes its rows afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select

from app import bell, topics
from app.clock import utcnow
from app.core.errors import Invalid
from app.core.states import DesiredState, MessageStatus
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Contact, Delivery, Instance, Message, User
from app.models.webhook import DeliveryStatus
from app.services import activity, counting, instances, sessions
from app.transaction import transaction

PATIENCE = timedelta(seconds=30)
"""A host that has not ended the session by then finds the instance gone, and ends it so."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What would be lost with an instance."""

    chats: int
    messages: int
    queued: int  # messages that still wait to be sent
    deliveries: int  # events that still wait to be told to the webhook
    contacts: int  # that are kept in the database

    @property
    def is_unsent(self) -> bool:
        """Whether something is under way that nobody would ever get."""
        return self.queued > 0


def loss_of(instance: Instance) -> Loss:
    """What all accounts that were ever linked to `instance` left in it."""
    messages = select(Message.id).where(Message.instance_id == instance.id)
    deliveries = select(Delivery.id).where(Delivery.instance_id == instance.id)
    return Loss(
        chats=_count(select(Chat.id).where(Chat.instance_id == instance.id)),
        messages=_count(messages),
        queued=_count(messages.where(Message.status == MessageStatus.QUEUED)),
        deliveries=_count(deliveries.where(Delivery.status == DeliveryStatus.PENDING)),
        contacts=_count(select(Contact.id).where(Contact.instance_id == instance.id)),
    )


def check_name(instance: Instance, typed: str) -> None:
    """Raises Invalid unless `typed` is the instance's name, where unsent messages would be lost:
    the last moment to see that it is the wrong instance."""
    if loss_of(instance).is_unsent and typed.strip() != instance.name:
        message = N_("Type the name exactly as it is written above.")
        raise Invalid(message, field="name", code="name_differs")


def delete(instance: Instance, *, actor: User | None, log_out: bool = True) -> None:
    """Removes the instance with its chats, messages and webhooks, for whoever looks at once.

    `log_out` takes this device off the phone's list first, where a host runs the session; without
    it, or where none does, the phone may list the device until it is removed there.
    """
    kind, owner_id = "instance:settings:deleted", instance.owner_id
    activity.record(kind, actor=actor, owner_id=owner_id, name=instance.name)
    counting.remember(instance, utcnow())
    bell.changed(topics.instances_of(instance.owner_id), topics.instance(instance.id))
    if sessions.linked_account(instance) is None or not sessions.is_held(instance):
        _remove(instance)
        return
    instance.deleted_at = utcnow()
    instance.name = instance.id  # the name is free again
    instances.want(instance, DesiredState.SIGNED_OUT if log_out else DesiredState.STOPPED)
    db.session.flush()


def finish() -> None:
    """Removes what was deleted and whose session has ended, or does not end. Run by the clock."""
    query = select(Instance).where(Instance.deleted_at.is_not(None))
    if not db.session.scalar(select(query.exists())):
        return
    now = utcnow()
    with transaction():
        for instance in db.session.scalars(query.with_for_update(of=Instance, skip_locked=True)):
            late = (instance.deleted_at or now) < now - PATIENCE
            if late or not sessions.is_held(instance):
                _remove(instance)


def _remove(instance: Instance) -> None:
    bell.wake(instance.id)
    instance.account_id = None
    db.session.flush()
    db.session.delete(instance)
    db.session.flush()


def _count(query: Select[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
