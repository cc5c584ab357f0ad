"""What people ask of a live session: connect again, try now, log out."""

from __future__ import annotations

from app import bell
from app.clock import utcnow
from app.core.errors import Conflict
from app.core.states import UNLINKED, DesiredState, InstanceState
from app.core.texts import N_
from app.models import Instance, User
from app.services import activity, instances, pairings


def reconnect(instance: Instance, *, actor: User) -> None:
    """Opens the session again; where no phone is linked, starts an attempt to link one."""
    account = instance.account
    if account is None or account.unlinked_at or instance.instance_state in UNLINKED:
        pairings.start(instance, actor=actor)
        return
    activity.record("instance:session:reconnected", instance=instance, actor=actor)
    instances.move(instance, InstanceState.CONNECTING, actor=actor)
    instances.want(instance, DesiredState.RUNNING)


def retry_now(instance: Instance) -> None:
    """Makes the next attempt to connect due at once."""
    if instance.instance_state is InstanceState.DISCONNECTED:
        instance.retry_at = utcnow()
        instances.want(instance, DesiredState.RUNNING)


def log_out(instance: Instance, *, actor: User) -> None:
    """Unlinks the phone. Raises Conflict where none is linked."""
    if instance.account is None or instance.instance_state in UNLINKED:
        raise Conflict(N_("No phone is linked to this instance."), code="not_linked")
    activity.record("instance:session:signed_out", instance=instance, actor=actor)
    instances.want(instance, DesiredState.STOPPED)
    instances.move(instance, InstanceState.LOGGED_OUT, reason="signed_out_here", actor=actor)
    bell.wake(instance.id)
