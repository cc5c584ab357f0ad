"""What a person has to know before they link a phone of theirs."""

from __future__ import annotations

from app.clock import utcnow
from app.models import User


def understood(user: User) -> bool:
    """Whether `user` confirmed to know that this is an unofficial client, and what gets numbers
    banned."""
    return user.risks_understood_at is not None


def confirm(user: User) -> None:
    """Remembers that `user` knows, from the first time on."""
    user.risks_understood_at = user.risks_understood_at or utcnow()
