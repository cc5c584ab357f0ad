"""How much was sent, received and called in a period: read from the rows that services.counting
writes, a few hundred for any period."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import lru_cache
from heapq import nlargest
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, Select, Table, bindparam, func, select

from app.clock import utcnow
from app.core.periods import Period, Span, Times, times_of
from app.core.usage import (
    RECEIVED,
    REPLIES,
    SENT,
    TOTALS,
    Grain,
    after,
    floor_of,
    median_reply,
    runs_of,
)
from app.extensions import db
from app.models import CHAT_USAGE, USAGE, Chat, FormerInstance, Instance

BUSY_DAYS = 30
"""The busiest hours of longer periods are those of their last 30 days."""
TOP_CHATS = 10
FLOW = (SENT, RECEIVED)


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted."""

    sent: int = 0
    received: int = 0
    media_sent: int = 0
    media_received: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    api_calls: int = 0
    webhook_calls: int = 0
    webhook_delivered: int = 0
    webhook_ms: int = 0

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Counts:
        """Those of a row that has a column for each."""
        return cls(**{field.name: int(row[field.name] or 0) for field in fields(cls)})

    @classmethod
    def sum(cls, parts: Iterable[Counts]) -> Counts:
        """All of them together."""
        rows = list(parts)
        return cls(**{one.name: sum(getattr(row, one.name) for row in rows) for one in fields(cls)})

    @property
    def delivery_rate(self) -> float | None:
        """Of what was sent, how much has arrived; None where nothing was sent."""
        return _share(self.delivered, self.sent)

    @property
    def read_rate(self) -> float | None:
        """Of what was sent, how much has been read."""
        return _share(self.read, self.sent)

    @property
    def webhook_success_rate(self) -> float | None:
        """Of the calls of webhooks, how many were accepted."""
        return _share(self.webhook_delivered, self.webhook_calls)

    @property
    def webhook_mean_ms(self) -> int | None:
        """How long webhooks took to answer, on average."""
        return round(self.webhook_ms / self.webhook_calls) if self.webhook_calls else None

    @property
    def is_nothing(self) -> bool:
        """Whether nothing happened."""
        return not any(getattr(self, one.name) for one in fields(self))


@dataclass(frozen=True, slots=True)
class InstanceCounts:
    """What one instance did, also one that was deleted."""

    id: str
    name: str
    deleted: bool
    counts: Counts


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose statistics: of all that a person has, or of one instance of theirs."""

    owner_id: str
    instance: Instance | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """How much was written."""

    sent: int
    received: int


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the chart."""

    span: Span
    flow: Flow


@dataclass(frozen=True, slots=True)
class TopChat:
    """A chat in which much was written. Its days are those of UTC."""

    chat: Chat
    instance_name: str
    flow: Flow


@dataclass(frozen=True, slots=True)
class Report:
    """The statistics of a period."""

    times: Times
    totals: Counts
    before: Counts | None
    instances: list[InstanceCounts]
    median_reply_seconds: int | None
    steps: list[Step]


def report(scope: Scope, period: Period, zone: ZoneInfo) -> Report:
    """The numbers of `period`, which ends now, and their course."""
    first = _first(scope)
    times = times_of(period, utcnow(), zone, first=first)
    parts = _sums(USAGE, scope, "instance_id", (*TOTALS, *REPLIES), _open(times.span))
    counts = {instance_id: Counts.of(part) for instance_id, part in parts.items()}
    replies = [sum(part[name] for part in parts.values()) for name in REPLIES]
    return Report(
        times=times,
        totals=Counts.sum(counts.values()),
        before=_before(scope, times, first),
        instances=_named(scope, counts),
        median_reply_seconds=median_reply(replies),
        steps=_steps(scope, times),
    )


def times_for(scope: Scope, period: Period, zone: ZoneInfo) -> Times:
    """What `period` means now."""
    return times_of(period, utcnow(), zone, first=_first(scope))


def busy_hours(scope: Scope, times: Times) -> list[int]:
    """What was written in each hour of the reader's day, in the last BUSY_DAYS of the period."""
    start = max(times.span.start, times.span.end - timedelta(days=BUSY_DAYS))
    statement = _summing(USAGE, "start", FLOW, scope.instance is not None)
    hours = [0] * 24
    for row in _rows(statement, scope, Grain.HOUR, start, times.span.end):
        hours[row["start"].astimezone(times.zone).hour] += int(row[SENT] + row[RECEIVED])
    return hours


def top_chats(scope: Scope, times: Times) -> list[TopChat]:
    """The chats in which most was written, by days of UTC."""
    span = _open(Span(floor_of(times.span.start, Grain.DAY), times.span.end))
    flows = {
        chat_id: Flow(flow[SENT], flow[RECEIVED])
        for chat_id, flow in _sums(CHAT_USAGE, scope, "chat_id", FLOW, span).items()
    }
    top = nlargest(
        TOP_CHATS, flows.items(), key=lambda one: (one[1].sent + one[1].received, one[0])
    )
    query = (
        select(Chat, Instance.name)
        .join(Instance, Instance.id == Chat.instance_id)
        .where(Chat.id.in_([chat_id for chat_id, _ in top]), Instance.deleted_at.is_(None))
    )
    found = {chat.id: (chat, name) for chat, name in db.session.execute(query)}
    return [
        TopChat(*found[chat_id], flow)
        for chat_id, flow in top
        if chat_id in found and flow.sent + flow.received
    ]


def _first(scope: Scope) -> datetime | None:
    query = select(func.min(USAGE.c.start)).where(
        USAGE.c.owner_id == scope.owner_id, USAGE.c.grain == Grain.DAY
    )
    if scope.instance is not None:
        query = query.where(USAGE.c.instance_id == scope.instance.id)
    first: datetime | None = db.session.scalar(query)
    return first


def _before(scope: Scope, times: Times, first: datetime | None) -> Counts | None:
    """What was counted in the period before; None unless there was counting all the time: with a
    part of it, everything would seem to grow."""
    if times.before is None or first is None or floor_of(times.before.start, Grain.DAY) < first:
        return None
    parts = _sums(USAGE, scope, "owner_id", TOTALS, times.before)
    return Counts.sum(Counts.of(part) for part in parts.values())


def _named(scope: Scope, parts: Mapping[str, Counts]) -> list[InstanceCounts]:
    """By name: all that there are, and what was deleted if it did something."""
    if scope.instance is not None:
        return []
    there = select(Instance.id, Instance.name).where(
        Instance.owner_id == scope.owner_id, Instance.deleted_at.is_(None)
    )
    former = select(FormerInstance.id, FormerInstance.name).where(
        FormerInstance.owner_id == scope.owner_id, FormerInstance.id.in_(list(parts))
    )
    found = [
        InstanceCounts(row.id, row.name, deleted, parts.get(row.id, Counts()))
        for deleted, query in ((False, there), (True, former))
        for row in db.session.execute(query)
    ]
    return sorted(found, key=lambda one: (one.deleted, one.name.casefold(), one.id))


def _steps(scope: Scope, times: Times) -> list[Step]:
    """Each day of UTC belongs to the step that most of it is in; what another one has of it is
    moved there by the hours, which are few: a midnight is seldom far from that of UTC."""
    starts = [step.start for step in times.steps]
    flows = [Counter[str]() for _ in starts]
    cuts = {floor_of(start, Grain.DAY): start for start in starts}
    whole = _open(times.span)
    days = _summing(USAGE, "start", FLOW, scope.instance is not None)
    for row in _rows(days, scope, Grain.DAY, floor_of(whole.start, Grain.DAY), whole.end):
        middle = row["start"] + timedelta(hours=12)
        _add(flows, bisect_right(starts, middle) - 1, row, 1)
    for row in _hours_between(scope, [_moved(day, cut) for day, cut in cuts.items()]):
        middle = floor_of(row["start"], Grain.DAY) + timedelta(hours=12)
        _add(flows, bisect_right(starts, middle) - 1, row, -1)
        _add(flows, bisect_right(starts, row["start"]) - 1, row, 1)
    return [
        Step(span, Flow(flow[SENT], flow[RECEIVED]))
        for span, flow in zip(times.steps, flows, strict=True)
    ]


def _moved(day: datetime, cut: datetime) -> Span:
    """The lesser part of a day of UTC that is cut there."""
    if cut - day > timedelta(hours=12):
        return Span(cut, day + timedelta(days=1))
    return Span(day, cut)


def _hours_between(scope: Scope, spans: Iterable[Span]) -> Sequence[RowMapping]:
    starts = [
        span.start + timedelta(hours=ago)
        for span in spans
        for ago in range(int((span.end - span.start).total_seconds()) // 3600)
    ]
    columns = [USAGE.c.start, *(func.sum(USAGE.c[name]).label(name) for name in FLOW)]
    query = select(*columns).where(
        USAGE.c.owner_id == scope.owner_id, USAGE.c.grain == Grain.HOUR, USAGE.c.start.in_(starts)
    )
    if scope.instance is not None:
        query = query.where(USAGE.c.instance_id == scope.instance.id)
    return db.session.execute(query.group_by(USAGE.c.start)).mappings().all()


def _add(flows: list[Counter[str]], place: int, row: RowMapping, sign: int) -> None:
    if place >= 0:  # what was before the first step
        for name in FLOW:
            flows[place][name] += sign * int(row[name])


def _open(span: Span) -> Span:
    """The same with an end that is a month's: nothing was counted after now, and whole rows are
    fewer than hours."""
    return Span(span.start, after(floor_of(span.end, Grain.MONTH), Grain.MONTH))


def _sums(
    table: Table, scope: Scope, key: str, names: tuple[str, ...], span: Span
) -> dict[str, Counter[str]]:
    """The sums of these columns in the span, by `key`."""
    statement = _summing(table, key, names, scope.instance is not None)
    found: dict[str, Counter[str]] = {}
    for run in runs_of(span.start, span.end):
        for row in _rows(statement, scope, *run):
            sums = found.setdefault(row[key], Counter())
            for name in names:
                sums[name] += int(row[name])
    return found


def _rows(
    statement: Select[Any], scope: Scope, grain: Grain, start: datetime, end: datetime
) -> Sequence[RowMapping]:
    values = {"owner": scope.owner_id, "grain": grain.value, "since": start, "until": end}
    if scope.instance is not None:
        values["instance"] = scope.instance.id
    return db.session.execute(statement, values).mappings().all()


@lru_cache(maxsize=64)
def _summing(table: Table, key: str, names: tuple[str, ...], of_one: bool) -> Select[Any]:
    """Built once: to put together so many columns takes longer than to read their rows."""
    sums = [func.sum(table.c[name]).label(name) for name in names]
    query = select(table.c[key], *sums).where(
        table.c.owner_id == bindparam("owner"),
        table.c.grain == bindparam("grain"),
        table.c.start >= bindparam("since"),
        table.c.start < bindparam("until"),
    )
    if of_one:
        query = query.where(table.c.instance_id == bindparam("instance"))
    return query.group_by(table.c[key])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
