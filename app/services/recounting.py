"""Counting anew what the messages and the tries of webhooks that are kept say.

Calls to the API are written down nowhere else, so they stay as they are; so does everything of
instances that were deleted, and of webhooks what is older than their log. What was erased since
cannot be counted any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, delete, func, select, text, update

from app.clock import utcnow
from app.config import current_settings
from app.core.usage import (
    COUNTERS,
    DELIVERED,
    FAILED,
    MEDIA_RECEIVED,
    MEDIA_SENT,
    OF_MESSAGES,
    OF_WEBHOOKS,
    READ,
    RECEIVED,
    REPLIES,
    SENT,
    WEBHOOK_CALLS,
    WEBHOOK_DELIVERED,
    WEBHOOK_MS,
    Grain,
    floor_of,
    reply_counter,
)
from app.extensions import db
from app.models import CHAT_USAGE, USAGE, Attempt, Delivery, Instance, Message, User
from app.models.message import INCOMING, OUTGOING
from app.models.usage import NO_INSTANCE
from app.services import usage_rows
from app.services.counting import CHAT_GRAINS, MEDIA, NOT_SENT
from app.services.usage_rows import Subject

Hours = dict[datetime, Counter[str]]


class Change(NamedTuple):
    """What counting anew changed: the sums of each counter before and after."""

    before: Counter[str]
    after: Counter[str]

    @property
    def differences(self) -> dict[str, int]:
        """By how much, where it differs."""
        both = {name: self.after[name] - self.before[name] for name in COUNTERS}
        return {name: number for name, number in both.items() if number}


def subjects() -> list[Subject]:
    """Everybody's instances, and everybody with what is of none."""
    instances = db.session.execute(select(Instance.owner_id, Instance.id).order_by(Instance.id))
    people = db.session.scalars(select(User.id).order_by(User.id))
    return [
        *(Subject(row.owner_id, row.id) for row in instances),
        *(Subject(user_id, NO_INSTANCE) for user_id in people),
    ]


def recount(subject: Subject) -> Change:
    """Counts all of an instance anew. Nothing else is counted until the transaction ends: what
    happens meanwhile is added to what is found here."""
    if db.session.get_bind().dialect.name != "sqlite":
        db.session.execute(text("LOCK TABLE usage, chat_usage IN SHARE ROW EXCLUSIVE MODE"))
    before = _sums(subject)
    hours: Hours = {}
    if subject.instance_id:
        _zero(subject, (*OF_MESSAGES, *REPLIES))
        for counter, hour, number in _of_messages(subject.instance_id):
            hours.setdefault(hour, Counter())[counter] += number
        _recount_chats(subject)
    since = _log_begins()
    _zero(subject, OF_WEBHOOKS, since)
    for counter, hour, number in _of_webhooks(subject, since):
        hours.setdefault(hour, Counter())[counter] += number
    usage_rows.add(USAGE, {(subject, hour): one for hour, one in hours.items()}, [Grain.HOUR])
    _roll_up(subject)
    return Change(before, _sums(subject))


def _of_messages(instance_id: str) -> Iterator[tuple[str, datetime, int]]:
    sent_at, status = Message.sent_at, Message.status
    ours = and_(
        Message.direction == OUTGOING, Message.target_id.is_(None), Message.is_history.is_(False)
    )
    theirs = and_(Message.direction == INCOMING, Message.is_history.is_(False))
    left, media = and_(ours, sent_at.is_not(None)), Message.kind.in_(sorted(MEDIA))
    wanted: list[tuple[str, Any, ColumnElement[bool]]] = [
        (SENT, sent_at, left),
        (MEDIA_SENT, sent_at, and_(left, media)),
        (DELIVERED, sent_at, and_(left, Message.delivered_at.is_not(None))),
        (READ, sent_at, and_(left, Message.read_at.is_not(None))),
        (FAILED, Message.created_at, and_(ours, status.in_(sorted(NOT_SENT)))),
        (RECEIVED, Message.shown_at, theirs),
        (MEDIA_RECEIVED, Message.shown_at, and_(theirs, media)),
    ]
    for counter, moment, condition in wanted:
        hour = _hour(moment)
        query = select(hour, func.count()).where(Message.instance_id == instance_id, condition)
        for start, number in db.session.execute(query.group_by(hour)):
            yield counter, _start(start), number
    yield from _replies(instance_id)


def _replies(instance_id: str) -> Iterator[tuple[str, datetime, int]]:
    hour = _hour(Message.sent_at)
    query = select(hour, Message.reply_seconds, func.count()).where(
        Message.instance_id == instance_id, Message.reply_seconds.is_not(None)
    )
    for start, seconds, number in db.session.execute(query.group_by(hour, Message.reply_seconds)):
        yield reply_counter(seconds or 0), _start(start), number


def _of_webhooks(subject: Subject, since: datetime) -> Iterator[tuple[str, datetime, int]]:
    hour = _hour(Attempt.started_at)
    accepted = case((and_(Attempt.status_code >= 200, Attempt.status_code < 300), 1), else_=0)
    instance_id = subject.instance_id or None
    query = (
        select(hour, func.count(), func.sum(accepted), func.sum(Attempt.duration_ms))
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .where(
            Delivery.owner_id == subject.owner_id,
            Delivery.instance_id.is_(None)
            if instance_id is None
            else Delivery.instance_id == instance_id,
            Attempt.started_at >= since,
        )
    )
    for start, calls, delivered, milliseconds in db.session.execute(query.group_by(hour)):
        yield WEBHOOK_CALLS, _start(start), calls
        yield WEBHOOK_DELIVERED, _start(start), int(delivered)
        yield WEBHOOK_MS, _start(start), int(milliseconds)


def _recount_chats(subject: Subject) -> None:
    db.session.execute(delete(CHAT_USAGE).where(CHAT_USAGE.c.instance_id == subject.instance_id))
    sums: dict[tuple[Subject, datetime], Counter[str]] = {}
    for counter, moment, direction in (
        (SENT, Message.sent_at, OUTGOING),
        (RECEIVED, Message.shown_at, INCOMING),
    ):
        hour = _hour(moment)
        query = select(Message.chat_id, hour, func.count()).where(
            Message.instance_id == subject.instance_id,
            Message.direction == direction,
            Message.target_id.is_(None),
            Message.is_history.is_(False),
            moment.is_not(None),
        )
        for chat_id, start, number in db.session.execute(query.group_by(Message.chat_id, hour)):
            key = subject._replace(chat_id=chat_id), _start(start)
            sums.setdefault(key, Counter())[counter] += number
    usage_rows.add(CHAT_USAGE, sums, CHAT_GRAINS)


def _roll_up(subject: Subject) -> None:
    """Makes days and months of the hours anew."""
    larger = [Grain.DAY, Grain.MONTH]
    db.session.execute(delete(USAGE).where(*_rows(subject), USAGE.c.grain.in_(larger)))
    query = select(USAGE).where(*_rows(subject), USAGE.c.grain == Grain.HOUR)
    hours = {
        (subject, row["start"]): {name: row[name] for name in COUNTERS}
        for row in db.session.execute(query).mappings()
    }
    usage_rows.add(USAGE, hours, larger)


def _zero(subject: Subject, counters: Iterable[str], since: datetime | None = None) -> None:
    rows = [*_rows(subject), USAGE.c.grain == Grain.HOUR]
    if since is not None:
        rows.append(USAGE.c.start >= since)
    db.session.execute(update(USAGE).where(*rows).values(dict.fromkeys(counters, 0)))


def _rows(subject: Subject) -> tuple[ColumnElement[bool], ...]:
    return USAGE.c.owner_id == subject.owner_id, USAGE.c.instance_id == subject.instance_id


def _sums(subject: Subject) -> Counter[str]:
    query = select(*(func.sum(USAGE.c[name]).label(name) for name in COUNTERS))
    hours = query.where(*_rows(subject), USAGE.c.grain == Grain.HOUR)
    row = db.session.execute(hours).mappings().one()
    return Counter({name: int(row[name] or 0) for name in COUNTERS})


def _log_begins() -> datetime:
    """From when on the log of webhooks is whole."""
    days = current_settings().webhook_log_days
    if not days:
        return datetime(2000, 1, 1, tzinfo=UTC)
    return floor_of(utcnow() - timedelta(days=days), Grain.HOUR) + timedelta(hours=1)


def _hour(moment: Any) -> ColumnElement[Any]:
    """The hour of UTC that `moment` is in, as the database can group by it."""
    if db.session.get_bind().dialect.name == "sqlite":
        return func.substr(moment, 1, 13)
    return func.date_trunc("hour", moment, "UTC")


def _start(hour: Any) -> datetime:
    if isinstance(hour, str):
        return datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=UTC)
    start: datetime = hour
    return start.astimezone(UTC)
