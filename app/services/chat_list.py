"""The list of an instance's chats, part by part, and what changed in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Chat, Instance


@dataclass(frozen=True, slots=True)
class Part:
    """Chats that stand together, and whether there are more behind them."""

    chats: list[Chat]
    more: bool


def part_of(
    instance: Instance,
    *,
    unread: bool = False,
    behind: tuple[datetime, str] | None = None,
    limit: int,
) -> Part:
    """Up to `limit` chats of the linked account, the one with the newest message first: from the
    beginning, or behind a place (the time of the newest message, the chat's id)."""
    query = _of(instance, unread=unread)
    if behind is not None:
        query = query.where(tuple_(Chat.last_at, Chat.id) < tuple_(*behind))
    return _part(query.order_by(Chat.last_at.desc(), Chat.id.desc()), limit)


def changed(instance: Instance, *, since: datetime, behind: str = "", limit: int) -> Part:
    """Chats that were written to at `since` or later, in the order of the writing."""
    query = _of(instance).where(tuple_(Chat.changed_at, Chat.id) > tuple_(since, behind))
    return _part(query.order_by(Chat.changed_at, Chat.id), limit)


def _of(instance: Instance, *, unread: bool = False) -> Select[Chat]:
    query = select(Chat).options(joinedload(Chat.picture))
    query = query.where(Chat.account_id == instance.account_id)
    return query.where(Chat.unread > 0) if unread else query


def _part(query: Select[Chat], limit: int) -> Part:
    found = list(db.session.scalars(query.limit(limit + 1)))
    return Part(found[:limit], more=len(found) > limit)
