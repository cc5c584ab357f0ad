"""What people want of a session. Hosts and the clock read it from the rows and act on it."""

from __future__ import annotations

from sqlalchemy import select

from app import bell
from app.clock import utcnow
from app.core.errors import Conflict
from app.core.states import UNLINKED, DesiredState, InstanceState
from app.core.texts import N_
from app.extensions import db
from app.models import Instance, Lease, LinkedAccount, User
from app.services import activity, instances, pairings
from app.transaction import alone


def reconnect(instance: Instance, *, actor: User | None = None) -> None:
    """Brings the instance back: connects again where the link stands, else starts a pairing.

    A number that another instance runs is not connected a second time: the state says so. A
    connection that stands is closed, and a new one opened, which takes the proxy of now.
    """
    account = linked_account(instance)
    if account is None:
        pairings.start(instance, actor=actor)
        return
    activity.record("instance:session:reconnected", instance=instance, actor=actor)
    if instance.instance_state in {InstanceState.FAILED, InstanceState.STOPPED}:
        _start_again(instance, account, actor)
    elif instance.instance_state is InstanceState.CONNECTED:
        _open_anew(instance)
    else:
        retry_now(instance)


def retry_now(instance: Instance) -> None:
    """Makes the next attempt to connect due at once; does nothing for a connected instance."""
    if instance.instance_state is InstanceState.DISCONNECTED:
        instance.retry_at = utcnow()
        instances.want(instance, DesiredState.RUNNING)


def stop(instance: Instance, *, actor: User | None = None) -> None:
    """Closes the session; the phone stays linked, and messages wait in the queue. Does nothing
    where none is wanted."""
    if instance.desired != DesiredState.RUNNING or linked_account(instance) is None:
        return
    activity.record("instance:session:stopped", instance=instance, actor=actor)
    instances.want(instance, DesiredState.STOPPED)
    if instance.instance_state is not InstanceState.FAILED and not is_held(instance):
        instances.move(instance, InstanceState.STOPPED, actor=actor)


def log_out(instance: Instance, *, actor: User | None = None) -> None:
    """Takes this device off the phone's list: its host does it. Where no host holds the session,
    the instance is signed out at once and says that the phone may still list the device.

    Raises Conflict while no phone is linked.
    """
    if linked_account(instance) is None:
        raise Conflict(N_("No phone is linked to this instance."), code="not_linked")
    activity.record("instance:session:signed_out", instance=instance, actor=actor)
    instances.want(instance, DesiredState.SIGNED_OUT)
    if not is_held(instance):
        signed_out(instance, heard=False)


def signed_out(instance: Instance, *, heard: bool) -> None:
    """The session is signed out; `heard` says whether WhatsApp was told."""
    unlink(instance)
    reason = "signed_out_here" if heard else "signed_out_unheard"
    instances.move(instance, InstanceState.LOGGED_OUT, reason=reason)
    bell.wake(instance.id)


def unlink(instance: Instance) -> None:
    """The account's session cannot be opened any more, and nobody is to try."""
    if instance.account is not None:
        instance.account.unlinked_at = utcnow()
    instance.desired = DesiredState.STOPPED
    db.session.flush()


def linked_account(instance: Instance) -> LinkedAccount | None:
    """The account whose session can be opened; None where a phone has to be linked first."""
    account = instance.account
    if account is None or account.unlinked_at is not None:
        return None
    return None if instance.instance_state in UNLINKED else account


def is_held(instance: Instance) -> bool:
    """Whether a host holds the session, or was just asked to."""
    expires_at = db.session.scalar(select(Lease.expires_at).where(Lease.instance_id == instance.id))
    return expires_at is not None and expires_at > utcnow()


def _start_again(instance: Instance, account: LinkedAccount, actor: User | None) -> None:
    alone(f"phone {account.phone}")
    other = instances.linked_elsewhere(instance, account.phone)
    if other is not None:
        to, why = InstanceState.FAILED, pairings.second_link(instance, other)
        instances.move(instance, to, actor=actor, **why)
        return
    instances.move(instance, InstanceState.CONNECTING, actor=actor)
    instances.want(instance, DesiredState.RUNNING)


def _open_anew(instance: Instance) -> None:
    instance.retry_at = utcnow()
    instances.want(instance, DesiredState.RUNNING)
