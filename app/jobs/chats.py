"""What the clock does about chats."""

from __future__ import annotations

from app.services import phone_settings
from app.transaction import transaction


def let_mutes_run_out() -> None:
    """Has chats draw attention again whose time of quiet is over."""
    if phone_settings.mutes_over():
        with transaction():
            phone_settings.let_mutes_run_out()
