"""Sees what people ought to be told of."""

from __future__ import annotations

from app.services import alarms
from app.transaction import again_when_beaten, transaction


@again_when_beaten
def look() -> None:
    """Brings the notices of everybody up to date. Run by the clock."""
    with transaction():
        alarms.look()
