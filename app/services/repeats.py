"""Requests that come twice under one idempotency key: understood to be meant once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.clock import utcnow
from app.core.details import Said, as_data
from app.core.errors import Conflict
from app.core.texts import N_
from app.extensions import db
from app.models import Chat, Instance, Message
from app.models.message import FROM_API
from app.services import media
from app.services.timing import Timing

GOOD_FOR = timedelta(hours=24)
"""Of a program's key. A page's is good for ever: a draft may lie in a browser for days."""


def earlier(instance: Instance, key: str | None, source: str) -> Message | None:
    """The message that was queued under `key`; None where there is none, or a program may use the
    key for something else by now."""
    if key is None:
        return None
    found = db.session.scalar(
        select(Message).where(Message.instance_id == instance.id, Message.idempotency_key == key)
    )
    if found is not None and source == FROM_API and _is_free(found):
        found.idempotency_key = None
        db.session.flush()
        return None
    return found


def _is_free(message: Message) -> bool:
    return message.source == FROM_API and message.created_at < utcnow() - GOOD_FOR


def _same_timing(message: Message, wanted: Timing) -> bool:
    if message.source != FROM_API:  # a page's draft keeps no time
        return True
    good_for = message.expires_at - message.due_at if message.expires_at else None
    ttl = timedelta(seconds=wanted.ttl) if wanted.ttl is not None else None
    return message.send_at == wanted.send_at and good_for == ttl


def check_same(
    earlier: Message,
    chat: Chat,
    body: str,
    timing: Timing,
    file: media.NewFile | None,
    original: Message | None,
    said: Said | None,
) -> None:
    """Nothing. Raises Conflict where `earlier` says something else."""
    row = earlier.media
    before = (row.kind, row.source_sha256 or row.sha256) if row else None
    same_file = before == ((file.facts.kind, file.facts.sha256) if file else None)
    answered = earlier.quote.wa_id if earlier.quote else None
    same_quote = answered == (original.wa_id if original else None)
    same_details = earlier.details == (as_data(said) if said else None)
    same = earlier.body == body and same_file and same_quote and same_details
    same = same and _same_timing(earlier, timing)
    if earlier.chat_id == chat.id and same:
        return
    raise Conflict(
        N_("This Idempotency-Key was used for another message."), code="idempotency_conflict"
    )
