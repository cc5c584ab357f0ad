"""Forgets what let people in once and is over."""

from __future__ import annotations

from app.clock import utcnow
from app.services import accounts, invitations, password_resets, sign_ins
from app.transaction import transaction


def sweep() -> None:
    """Removes sign-ins, tokens and links that are over; run by the clock every hour."""
    now = utcnow()
    with transaction():
        sign_ins.sweep(now)
        accounts.sweep(now)
        invitations.sweep(now)
        password_resets.sweep(now)
