"""Which of a host's sessions have something to do that nobody may have rung for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import exists, or_, select

from app.core.states import DesiredState, MessageStatus
from app.extensions import db
from app.models import Instance, Message


def needed(instance_ids: Collection[str], now: datetime) -> set[str]:
    """Those of the instances whose owner wants something else of the session, that have messages
    queued, or whose next try to connect is due."""
    queued = exists().where(
        Message.instance_id == Instance.id, Message.status == MessageStatus.QUEUED
    )
    query = select(Instance.id).where(
        Instance.id.in_(instance_ids),
        or_(Instance.desired != DesiredState.RUNNING, Instance.retry_at <= now, queued),
    )
    return set(db.session.scalars(query))
