"""How an instance conducts itself on WhatsApp. A live session takes a change up at once."""

from __future__ import annotations

from app import bell
from app.core.errors import Invalid
from app.core.reading import ReadReceipts
from app.core.texts import N_
from app.models import Instance, User
from app.services import activity, instances

LONGEST_GAP_SECONDS = 600


def set_pace(instance: Instance, seconds: int | None, *, actor: User) -> None:
    """Sets the least pause between two messages; None for that of the deployment.

    Raises Invalid (sendGapSeconds).
    """
    check_pace(seconds)
    if seconds == instance.send_gap_seconds:
        return
    instance.send_gap_seconds = seconds
    _tell(instance, "instance:pace:changed", actor)


def check_pace(seconds: int | None) -> None:
    """Nothing. Raises Invalid (sendGapSeconds)."""
    if seconds is not None and not 1 <= seconds <= LONGEST_GAP_SECONDS:
        raise Invalid(
            N_("Choose %(low)d to %(high)d seconds."),
            field="sendGapSeconds",
            code="bad_send_gap",
            low=1,
            high=LONGEST_GAP_SECONDS,
        )


def tell_read(instance: Instance, when: ReadReceipts, *, actor: User) -> None:
    """Sets when WhatsApp is told, from now on, that messages were read."""
    if when == instance.read_receipts:
        return
    instance.read_receipts = when
    _tell(instance, f"instance:read_receipts:{when}", actor)


def reject_calls(instance: Instance, on: bool, *, actor: User) -> None:
    """Sets whether calls that come from now on are rejected."""
    if on == instance.reject_calls:
        return
    instance.reject_calls = on
    _tell(instance, "instance:reject_calls:on" if on else "instance:reject_calls:off", actor)


def _tell(instance: Instance, kind: str, actor: User) -> None:
    activity.record(kind, instance=instance, actor=actor)
    instances.tell_of_change(instance)
    bell.wake(instance.id)
