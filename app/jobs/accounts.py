"""Forgets what let people in once and is over, and what the journal has kept for long enough."""

from __future__ import annotations

from app.clock import utcnow
from app.services import accounts, activity, invitations, password_resets, sign_ins
from app.transaction import transaction


def sweep() -> None:
    """Removes sign-ins, tokens and links that are over; run by the clock every hour."""
    now = utcnow()
    with transaction():
        sign_ins.sweep(now)
        accounts.sweep(now)
        invitations.sweep(now)
        password_resets.sweep(now)


def clear_journal() -> None:
    """Removes lines of the journal that are older than they are kept. Run by the clock."""
    while True:
        with transaction():
            count = activity.forget()
        if count < activity.FORGOTTEN:
            return


def note_failed_sign_in(account: str, address: str) -> None:
    """The job: writes a failed try to sign in into the journal of the account, if there is one."""
    with transaction():
        accounts.note_failed_sign_in(account, address=address)
