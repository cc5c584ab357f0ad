"""How much was sent, received and called in a period: read from the rows that services.counting
writes, a few hundred for any period."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, RowMapping, Select, Subquery, Table, func, select, union_all

from app.clock import utcnow
from app.core.periods import Period, Span, Times, times_of
from app.core.usage import REPLIES, TOTALS, Grain, after, floor_of, median_reply, rows_of
from app.extensions import db
from app.models import CHAT_USAGE, USAGE, Chat, FormerInstance, Instance

BUSY_DAYS = 30
"""The busiest hours of longer periods are those of their last 30 days."""
TOP_CHATS = 10


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
    busy_hours: list[int]  # what was written in each hour of the reader's day


def report(scope: Scope, period: Period, zone: ZoneInfo) -> Report:
    """Everything about `period`, which ends now."""
    first = _first(scope)
    times = times_of(period, utcnow(), zone, first=first)
    parts = _by_instance(scope, times.span)
    return Report(
        times=times,
        totals=Counts.sum(parts.values()),
        before=_before(scope, times, first),
        instances=_named(scope, parts),
        median_reply_seconds=_median_reply(scope, times.span),
        steps=_steps(scope, times),
        busy_hours=_by_hour(scope, times),
    )


def top_chats(scope: Scope, times: Times) -> list[TopChat]:
    """The chats in which most was written, by days of UTC."""
    first, last = (floor_of(at, Grain.DAY) for at in (times.span.start, times.span.end))
    span = Span(first, after(last, Grain.DAY))
    rows = _rows(CHAT_USAGE, scope, [span], "chat_id", "sent", "received")
    total = func.sum(rows.c.sent + rows.c.received)
    flow = [func.sum(rows.c.sent).label("sent"), func.sum(rows.c.received).label("received")]
    query = (
        select(rows.c.chat_id, *flow)
        .group_by(rows.c.chat_id)
        .order_by(total.desc(), rows.c.chat_id)
        .limit(TOP_CHATS)
    )
    top = db.session.execute(query).all()
    named = (
        select(Chat, Instance.name)
        .join(Instance, Instance.id == Chat.instance_id)
        .where(Chat.id.in_([row.chat_id for row in top]), Instance.deleted_at.is_(None))
    )
    found = {chat.id: (chat, name) for chat, name in db.session.execute(named)}
    return [
        TopChat(*found[row.chat_id], Flow(int(row.sent), int(row.received)))
        for row in top
        if row.chat_id in found and row.sent + row.received
    ]


def _first(scope: Scope) -> datetime | None:
    query = select(func.min(USAGE.c.start)).where(_whose(USAGE, scope), USAGE.c.grain == Grain.DAY)
    first: datetime | None = db.session.scalar(query)
    return first


def _before(scope: Scope, times: Times, first: datetime | None) -> Counts | None:
    """What was counted in the period before; None unless there was counting all the time: with a
    part of it, everything would seem to grow."""
    if times.before is None or first is None or floor_of(times.before.start, Grain.DAY) < first:
        return None
    return Counts.sum(_by_instance(scope, times.before).values())


def _by_instance(scope: Scope, span: Span) -> dict[str, Counts]:
    rows = _rows(USAGE, scope, [span], "instance_id", *TOTALS)
    sums = [func.sum(rows.c[name]).label(name) for name in TOTALS]
    query = select(rows.c.instance_id, *sums).group_by(rows.c.instance_id)
    found = db.session.execute(query).mappings()
    return {row["instance_id"]: Counts.of(dict(row)) for row in found}


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


def _median_reply(scope: Scope, span: Span) -> int | None:
    rows = _rows(USAGE, scope, [span], *REPLIES)
    row = db.session.execute(select(*(func.sum(rows.c[name]) for name in REPLIES))).one()
    return median_reply([int(number or 0) for number in row])


def _steps(scope: Scope, times: Times) -> list[Step]:
    rows = _rows(USAGE, scope, times.steps, "start", "sent", "received")
    starts = [step.start for step in times.steps]
    flows = [Counter[str]() for _ in starts]
    for row in _flow_by_start(rows):
        flow = flows[bisect_right(starts, row["start"]) - 1]
        flow.update(sent=int(row["sent"]), received=int(row["received"]))
    return [
        Step(span, Flow(flow["sent"], flow["received"]))
        for span, flow in zip(times.steps, flows, strict=True)
    ]


def _by_hour(scope: Scope, times: Times) -> list[int]:
    start = max(times.span.start, times.span.end - timedelta(days=BUSY_DAYS))
    hours = [0] * 24
    condition = (
        *(_whose(USAGE, scope), USAGE.c.grain == Grain.HOUR),
        *(USAGE.c.start >= start, USAGE.c.start < times.span.end),
    )
    rows = select(*(USAGE.c[name] for name in ("start", "sent", "received"))).where(*condition)
    for row in _flow_by_start(rows.subquery()):
        hours[row["start"].astimezone(times.zone).hour] += int(row["sent"] + row["received"])
    return hours


def _flow_by_start(rows: Subquery) -> Sequence[RowMapping]:
    sums = [func.sum(rows.c[name]).label(name) for name in ("sent", "received")]
    query = select(rows.c.start, *sums).group_by(rows.c.start)
    return db.session.execute(query).mappings().all()


def _rows(table: Table, scope: Scope, spans: Iterable[Span], *names: str) -> Subquery:
    """These columns of the rows that the spans consist of."""
    starts: dict[Grain, list[datetime]] = {grain: [] for grain in Grain}
    for span in spans:
        for grain, start in rows_of(span.start, span.end):
            starts[grain].append(start)
    parts: list[Select[Any]] = [
        select(*(table.c[name] for name in names)).where(
            _whose(table, scope), table.c.grain == grain, table.c.start.in_(some)
        )
        for grain, some in starts.items()
    ]
    return union_all(*parts).subquery()


def _whose(table: Table, scope: Scope) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = table.c.owner_id == scope.owner_id
    if scope.instance is None:
        return mine
    return mine & (table.c.instance_id == scope.instance.id)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
