"""Messages that wait in queues."""

from __future__ import annotations

from app.services import messaging, timing
from app.transaction import transaction


def expire() -> None:
    """Ends those whose time is over, whether or not their instance is connected."""
    if timing.expired(limit=1):
        with transaction():
            messaging.expire()
