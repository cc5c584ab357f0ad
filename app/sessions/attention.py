"""Which of a host's sessions have something to do that nobody may have rung for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import and_, exists, or_, select

from app.core.states import DesiredState, InstanceState
from app.extensions import db
from app.models import Instance, Message, NumberCheck
from app.services import chat_wishes, reading
from app.services.number_checks import is_open
from app.services.timing import may_go


def needed(instance_ids: Collection[str], now: datetime) -> set[str]:
    """Those of the instances whose owner wants something else of the session, that have messages
    to send now, whose next try to connect is due, whose contacts are to be read, of whom
    something is asked, that were read in without WhatsApp's knowing, or whose phone is to be told
    how a chat is kept."""
    queued = exists().where(Message.instance_id == Instance.id, may_go(now))
    asked = exists().where(NumberCheck.instance_id == Instance.id, is_open(now))
    read = exists().where(reading.is_due(now))
    kept = exists().where(chat_wishes.is_due(now))
    unread = and_(
        Instance.contacts_wanted_at.is_not(None), Instance.state == InstanceState.CONNECTED
    )
    query = select(Instance.id).where(
        Instance.id.in_(instance_ids),
        or_(
            Instance.desired != DesiredState.RUNNING,
            Instance.retry_at <= now,
            queued,
            unread,
            asked,
            read,
            kept,
        ),
    )
    return set(db.session.scalars(query))
