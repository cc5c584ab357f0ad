"""The list of an instance's chats, part by part, and what changed in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select, text, tuple_
from sqlalchemy.orm import aliased, joinedload

from app.extensions import db
from app.models import Chat, Instance

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = re.compile(r"([01])(\d{17})~(\w{1,40})", re.ASCII)
_WAITING = text("(chats.unread > 0 OR chats.marked_unread)")  # word for word as in the index


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chat stands in the list: those that are pinned first, then by the newest message."""

    pinned: bool
    at: datetime
    chat_id: str

    @classmethod
    def of(cls, chat: Chat) -> Place:
        """The place of `chat`."""
        return cls(chat.pinned_at is not None, chat.last_at, chat.id)

    @classmethod
    def read(cls, written: str) -> Place | None:
        """What `str` made; None for anything else."""
        found = _PLACE.fullmatch(written)
        if found is None:
            return None
        return cls(found[1] == "1", _EPOCH + timedelta(microseconds=int(found[2])), found[3])

    def __str__(self) -> str:
        """As a text that sorts: the further up, the greater."""
        micros = (self.at - _EPOCH) // timedelta(microseconds=1)
        return f"{self.pinned:d}{micros:017d}~{self.chat_id}"


@dataclass(frozen=True, slots=True)
class Part:
    """Chats that stand together, and whether there are more behind them."""

    chats: list[Chat]
    more: bool


def part_of(
    instance: Instance,
    *,
    unread: bool = False,
    archived: bool | None = False,
    behind: Place | None = None,
    limit: int,
) -> Part:
    """Up to `limit` chats of the linked account, from the top of the list or from behind a place.
    `archived`: those in the archive alone, those outside it, or all of them (None)."""
    query = _of(instance)
    if unread:
        query = query.where(_WAITING)
    if archived is not None:
        query = query.where(
            Chat.archived_at.is_not(None) if archived else Chat.archived_at.is_(None)
        )
    pinned, others = Chat.pinned_at.is_not(None), Chat.pinned_at.is_(None)
    rows: Any = _walk(query.where(others), behind, limit + 1)
    if not archived and (behind is None or behind.pinned):
        rest = _walk(query.where(others), None, limit + 1)
        rows = _walk(query.where(pinned), behind, limit + 1).union_all(rest)
    return _part(_in_order(aliased(Chat, rows.subquery())), limit)


def changed(instance: Instance, *, since: datetime, behind: str = "", limit: int) -> Part:
    """Chats that were written to at `since` or later, in the order of the writing; also those
    that stand in the archive, or do not any more."""
    query = _of(instance).options(joinedload(Chat.picture))
    query = query.where(tuple_(Chat.changed_at, Chat.id) > tuple_(since, behind))
    return _part(query.order_by(Chat.changed_at, Chat.id), limit)


def _of(instance: Instance) -> Select[Chat]:
    return select(Chat).where(Chat.account_id == instance.account_id)


def _walk(query: Select[Chat], behind: Place | None, limit: int) -> Select[Any]:
    """As many as are wanted of the chats that are pinned, or of those that are not: each sort alone
    stands in an index in its order, however many there are."""
    if behind is not None:
        query = query.where(tuple_(Chat.last_at, Chat.id) < tuple_(behind.at, behind.chat_id))
    query = query.order_by(Chat.last_at.desc(), Chat.id.desc()).limit(limit)
    return select(query.subquery())


def _in_order(chats: type[Chat]) -> Select[Chat]:
    pinned = chats.pinned_at.is_not(None)
    shown = select(chats).options(joinedload(chats.picture))
    return shown.order_by(pinned.desc(), chats.last_at.desc(), chats.id.desc())


def _part(query: Select[Chat], limit: int) -> Part:
    found = list(db.session.scalars(query.limit(limit + 1)))
    return Part(found[:limit], more=len(found) > limit)
