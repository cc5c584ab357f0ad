"""Events that programs fetch, of instances where somebody does.

A cursor is the id of an event, and nothing ever appears before a cursor that was given out: ids
are made as the last thing of a transaction, under a lock of the instance's feed, so that who
commits later has the higher one. Which host it was, and what its clock says, does not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import delete, insert, select, true, update

from app import bell, topics
from app.clock import utcnow
from app.config import current_settings
from app.core.errors import CursorTooOld, Invalid
from app.core.events import Event, body_of
from app.core.ids import first_id, is_id, next_id
from app.core.texts import N_
from app.extensions import db
from app.models import EventFeed, Instance, KeptEvent
from app.transaction import before_commit, rows_changed

PREFIX = "evt"
NOW = "now"
"""The cursor behind everything there is."""
WANTED_FOR = timedelta(days=7)
"""After the last time that somebody asked. No event is kept for longer (EVENTS_KEEP_HOURS)."""
_ASKED_AGAIN = timedelta(days=6)
"""Only every day it is written down that somebody asked."""
CLEARED = 1000


@dataclass(frozen=True, slots=True)
class _Told:
    instance_id: str
    event: Event
    data: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Fetched:
    """One event: its id, which is the cursor behind it, and what a webhook is sent of it."""

    id: str
    event: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """Events, oldest first. `cursor` is what to ask with next, `more` says that it has an answer
    already."""

    events: list[Fetched]
    cursor: str
    more: bool


def keep(instance_id: str, event: Event, data: dict[str, Any], now: datetime) -> None:
    """Keeps the event if somebody fetches those of the instance; at the end of the transaction."""
    before_commit(_write, _Told(instance_id, event, data, now))


def _write(told: Sequence[_Told]) -> None:
    """In one order of instances, so that no two wait for each other."""
    by_instance = sorted(told, key=lambda one: one.instance_id)  # stable: of each in their order
    for instance_id, some in groupby(by_instance, key=lambda one: one.instance_id):
        newest = db.session.scalar(
            select(EventFeed.newest)
            .where(EventFeed.instance_id == instance_id, EventFeed.wanted_until > utcnow())
            .with_for_update()
        )
        if newest is not None:
            _add(instance_id, newest, list(some))


def _add(instance_id: str, newest: str, told: Sequence[_Told]) -> None:
    rows = []
    for one in told:
        newest = next_id(PREFIX, utcnow(), after=newest)
        row = {"id": newest, "instance_id": instance_id, "event": one.event.value}
        body = body_of(one.event, one.data, instance_id=instance_id, now=one.at)
        rows.append(row | {"body": body, "created_at": one.at})
    db.session.execute(insert(KeptEvent), rows)
    mine = EventFeed.instance_id == instance_id
    rows_changed(update(EventFeed).where(mine).values(newest=newest))
    bell.changed(topics.events(instance_id))


def feed_of(instance: Instance) -> EventFeed | None:
    """What is kept of the instance; None where it is nothing, or time to `want` it again."""
    found = db.session.get(EventFeed, instance.id)
    return found if found and found.wanted_until > utcnow() + _ASKED_AGAIN else None


def want(instance: Instance) -> EventFeed:
    """Has the events of the instance kept, from now on where they were not."""
    now = utcnow()
    query = select(EventFeed).where(EventFeed.instance_id == instance.id).with_for_update()
    feed = db.session.scalar(query.execution_options(populate_existing=True))
    if feed is None:
        feed = EventFeed(instance_id=instance.id, newest="", wanted_until=now)
        db.session.add(feed)
    if feed.wanted_until <= now:  # what was told since then is nowhere
        feed.newest = feed.oldest = next_id(PREFIX, now, after=feed.newest)
    feed.wanted_until = now + WANTED_FOR
    db.session.flush()
    return feed


def start_of(feed: EventFeed, since: str | None) -> str:
    """The cursor that `since` stands for: everything there is, where it says nothing. Raises
    Invalid for what no cursor is, and CursorTooOld."""
    if since is None:
        return feed.oldest
    if since == NOW:
        return feed.newest
    if not is_id(PREFIX, since) or since > feed.newest:
        raise Invalid(N_("This is no cursor that was given out."), field="since", code="bad_cursor")
    if since < feed.oldest:
        raise CursorTooOld(feed.oldest)
    return since


def part_of(instance_id: str, cursor: str, *, events: Collection[Event], limit: int) -> Part:
    """Up to `limit` of these `events` (of all, where none is named) from behind `cursor`. Raises
    CursorTooOld when some are gone.

    It is one statement, so that what it says of the feed and the rows it finds are of one moment.
    """
    here = select(KeptEvent.id, KeptEvent.event, KeptEvent.body).where(
        KeptEvent.instance_id == instance_id, KeptEvent.id > cursor
    )
    if events:
        here = here.where(KeptEvent.event.in_(sorted(events)))
    part = here.order_by(KeptEvent.id).limit(limit + 1).subquery()
    query = select(EventFeed.oldest, EventFeed.newest, part).outerjoin(part, true())
    query = query.where(EventFeed.instance_id == instance_id).order_by(part.c.id)
    rows = db.session.execute(query).all()
    if not rows:
        return Part([], cursor, more=False)  # the instance is being deleted
    if rows[0].oldest > cursor:
        raise CursorTooOld(rows[0].oldest)
    found = [Fetched(row.id, row.event, row.body) for row in rows if row.id]
    if len(found) > limit:
        return Part(found[:limit], found[limit - 1].id, more=True)
    return Part(found, rows[0].newest, more=False)


def clear() -> int:
    """Removes up to CLEARED events that are older than EVENTS_KEEP_HOURS, and how many there were;
    the cursors before them work no more."""
    moment = utcnow() - timedelta(hours=current_settings().events_keep_hours)
    query = select(KeptEvent.instance_id, KeptEvent.id).order_by(KeptEvent.id).limit(CLEARED)
    rows = db.session.execute(query.where(KeptEvent.id < first_id(PREFIX, moment))).all()
    last = {row.instance_id: row.id for row in rows}  # the highest of each
    for instance_id, gone in sorted(last.items()):
        passed = EventFeed.instance_id == instance_id, EventFeed.oldest < gone
        rows_changed(update(EventFeed).where(*passed).values(oldest=gone))
    db.session.execute(delete(KeptEvent).where(KeptEvent.id.in_([row.id for row in rows])))
    return len(rows)
