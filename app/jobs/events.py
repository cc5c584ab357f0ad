"""Events that programs fetch are kept for a while only."""

from __future__ import annotations

from app.services import event_feed
from app.transaction import transaction


def clear() -> None:
    """Removes what is older than it is kept. Run by the clock."""
    while True:
        with transaction():
            count = event_feed.clear()
        if count < event_feed.CLEARED:
            return
