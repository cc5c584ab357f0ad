"""Hosts that are about to end: nothing is offered to them, and not all of them end at once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select, update

from app.clock import utcnow
from app.extensions import db
from app.models import Host
from app.transaction import alone, rows_changed

YOUNG = timedelta(minutes=1)
"""A host that began more recently may still be opening the sessions of one that restarted."""


def claim(host_id: str) -> bool:
    """Whether this host may restart now: no other one is draining or has just begun."""
    alone("draining")
    now = utcnow()
    busy = select(Host.id).where(
        Host.id != host_id, or_(Host.draining_at.is_not(None), Host.started_at > now - YOUNG)
    )
    return db.session.scalar(busy.limit(1)) is None and mark(host_id)


def mark(host_id: str) -> bool:
    """From now on nothing is offered to this host; False when its row is gone."""
    drains = update(Host).where(Host.id == host_id).values(draining_at=utcnow())
    return rows_changed(drains) == 1
