"""The periods that statistics are shown for, in the time of whoever reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.core.usage import Grain, floor_of


class Period(StrEnum):
    """Up to now: 7 days, 30 days, 12 months (with the running day or month), or everything."""

    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ALL = "all"


class Unit(StrEnum):
    """How long one step of a chart is."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


DAYS = {Period.WEEK: 7, Period.MONTH: 30}
MONTHS = 12
MOST_MONTHS = 36
"""Of everything, if it is longer, each year is a step."""


@dataclass(frozen=True, slots=True)
class Span:
    """From a full hour of UTC to another one, which is not in it."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Times:
    """A period at a moment, in a time zone. `before` has as many hours as have passed of `span`,
    but for changes of the clocks; None where there is nothing before."""

    period: Period
    zone: ZoneInfo
    span: Span
    before: Span | None
    unit: Unit
    steps: tuple[Span, ...]


def times_of(period: Period, now: datetime, zone: ZoneInfo, *, first: datetime | None) -> Times:
    """What `period` means at `now`. `first`: since when there is something to be counted."""
    end = floor_of(now, Grain.HOUR) + timedelta(hours=1)
    unit, starts = _starts(period, now.astimezone(zone).date(), zone, first or now)
    bounds = [*(_midnight(day, zone) for day in starts), end]
    steps = tuple(Span(*pair) for pair in pairwise(bounds))
    span = Span(bounds[0], end)
    return Times(period, zone, span, _before(period, starts[0], end, zone), unit, steps)


def _starts(
    period: Period, today: date, zone: ZoneInfo, first: datetime
) -> tuple[Unit, list[date]]:
    if days := DAYS.get(period):
        return Unit.DAY, [today - timedelta(days=ago) for ago in reversed(range(days))]
    if period is Period.YEAR:
        return Unit.MONTH, [months_before(today, ago) for ago in reversed(range(MONTHS))]
    oldest = first.astimezone(zone).date()
    months = (today.year - oldest.year) * 12 + today.month - oldest.month
    if months >= MOST_MONTHS:
        years = range(oldest.year, today.year + 1)
        return Unit.YEAR, [date(year, 1, 1) for year in years]
    return Unit.MONTH, [months_before(today, ago) for ago in reversed(range(months + 1))]


def _before(period: Period, first: date, end: datetime, zone: ZoneInfo) -> Span | None:
    local = end.astimezone(zone)
    if days := DAYS.get(period):
        back = timedelta(days=days)
        return Span(_midnight(first - back, zone), _moment(local.date() - back, local.time(), zone))
    if period is Period.YEAR:
        start = _midnight(months_before(first, MONTHS), zone)
        same_day = _a_year_before(local.date())
        return Span(start, _moment(same_day, local.time(), zone))
    return None


def months_before(day: date, count: int) -> date:
    """The first day of the month `count` months before that of `day`."""
    months = day.year * 12 + day.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)


def _a_year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return _moment(day, time(), zone)


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """In a zone whose clocks stand at half an hour of UTC, the full hour of UTC before."""
    return floor_of(datetime.combine(day, clock, zone).astimezone(UTC), Grain.HOUR)
