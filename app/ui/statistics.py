"""Statistics: how much was sent and received, and whether it grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_timedelta
from babel.numbers import get_group_symbol
from flask import request, url_for
from flask_babel import format_decimal, get_locale, get_timezone, gettext
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from app.core.periods import Period, Span, Times, Unit
from app.core.texts import N_
from app.models import Instance
from app.services import instances, statistics
from app.services.contact_exports import BYTE_ORDER_MARK, csv_row
from app.services.statistics import Counts, Report, Scope, TopChat
from app.ui.answers import page, respond
from app.ui.blueprint import bp
from app.ui.charts import Chart, Labels, Point, chart_of
from app.ui.contact_export import file_of

_PERIODS = {
    Period.WEEK: N_("Week"),
    Period.MONTH: N_("Month"),
    Period.YEAR: N_("Year"),
    Period.ALL: N_("All time"),
}
TOTALS = (
    ("sent", N_("Messages sent in total")),
    ("received", N_("Messages received in total")),
    ("media_sent", N_("Media files sent")),
    ("media_received", N_("Media files received")),
    ("api_calls", N_("API calls")),
    ("webhook_calls", N_("Webhook calls")),
)
"""In the words of the specification, and in its order."""
COLUMNS = (
    ("sent", N_("Sent")),
    ("received", N_("Received")),
    ("media_sent", N_("Media sent")),
    ("media_received", N_("Media received")),
    ("api_calls", N_("API calls")),
    ("webhook_calls", N_("Webhook calls")),
)
_LABELS = {Period.WEEK: Labels(), Period.MONTH: Labels(5, 10), Period.YEAR: Labels(1, 3)}
_OF_HOURS = Labels(3, 6, from_last=False)


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the totals, and how it differs from that of the period before: in percent, None where
    that is not to be said."""

    label: str
    number: int
    before: int | None

    @property
    def change(self) -> int | None:
        """By how many percent it has grown; None where there was nothing before."""
        if not self.before:
            return None
        return round(100 * (self.number - self.before) / self.before)


@dataclass(frozen=True)
class View:
    """What the page shows; it stands in the address."""

    period: Period
    instance: Instance | None
    zone: ZoneInfo

    @property
    def scope(self) -> Scope:
        """Whose statistics."""
        return Scope(current_user.id, self.instance)

    @cached_property
    def report(self) -> Report:
        """All numbers."""
        return statistics.report(self.scope, self.period, self.zone)

    def choices(self) -> list[tuple[str, str, bool]]:
        """The periods, each with its address and whether it is shown."""
        return [
            (gettext(word), self.address(period=period.value), period is self.period)
            for period, word in _PERIODS.items()
        ]

    def address(self, endpoint: str = "ui.show_statistics", **changes: Any) -> str:
        """The address of the page, or of a part of it, with `changes` to what it shows."""
        shown: dict[str, Any] = {"period": self.period.value}
        shown["instance"] = self.instance.id if self.instance else None
        return url_for(endpoint, **(shown | changes))

    def tiles(self) -> list[Tile]:
        """The totals."""
        totals, before = self.report.totals, self.report.before
        return [
            Tile(
                gettext(label),
                getattr(totals, name),
                None if before is None else getattr(before, name),
            )
            for name, label in TOTALS
        ]

    def flow(self) -> Chart:
        """What was sent and received in each step."""
        times, steps = self.report.times, self.report.steps
        points = [
            Point(
                short_of(times, step.span),
                _told(_middle_of(times, step.span), step.flow),
                _told(long_of(times, step.span), step.flow),
                (step.flow.sent, step.flow.received),
            )
            for step in steps
        ]
        many = -(-len(steps) // 6)
        return chart_of(points, _LABELS.get(self.period) or Labels(many, 2 * many))

    def busy(self) -> Chart:
        """What was written in each hour of the day."""
        told = [f"{_hours(hour)}: {grouped(n)}" for hour, n in enumerate(self.hours)]
        points = [
            Point(str(hour), told[hour], told[hour], (n,)) for hour, n in enumerate(self.hours)
        ]
        return chart_of(points, _OF_HOURS)

    @cached_property
    def times(self) -> Times:
        """When the period is."""
        return statistics.times_for(self.scope, self.period, self.zone)

    @cached_property
    def hours(self) -> list[int]:
        """What was written in each hour of the day."""
        return statistics.busy_hours(self.scope, self.times)

    def busiest(self) -> str | None:
        """The hour in which most was written, in words."""
        return _hours(self.hours.index(max(self.hours))) if any(self.hours) else None

    def elsewhere(self) -> Counts:
        """What the person did that is of no instance."""
        named = Counts.sum(one.counts for one in self.report.instances)
        totals = self.report.totals
        return Counts(
            api_calls=totals.api_calls - named.api_calls,
            webhook_calls=totals.webhook_calls - named.webhook_calls,
        )

    def columns(self) -> list[tuple[str, str]]:
        """What stands in the table of instances: names of counts, and what they are called."""
        return [(name, gettext(head)) for name, head in COLUMNS]

    def heads(self) -> list[tuple[str, str]]:
        """The heads of these columns, which hold numbers."""
        return [(gettext(head), "end") for _, head in COLUMNS]


@bp.get("/ui/statistics")
@login_required
def show_statistics() -> Response:
    """The totals of a period, its course, and each instance; where it is asked for, as browsers
    without scripts do, the busiest hours and chats with them."""
    view = _asked()
    if "busiest" not in request.args:
        return page("statistics/show.html", view=view)
    return page("statistics/show.html", view=view, with_busiest=True, chats=_chats(view))


@bp.get("/ui/statistics/busiest")
@login_required
def show_busiest() -> Response:
    """The hours and the chats in which most was written: a part of the page that comes after it,
    for it takes longer than the rest together."""
    view = _asked()
    whole = view.address(busiest="1")
    return respond("statistics/_busiest.html", page=whole, view=view, chats=_chats(view))


def _chats(view: View) -> list[TopChat]:
    return statistics.top_chats(view.scope, view.times)


@bp.get("/ui/statistics.csv")
@login_required
def export_statistics() -> Response:
    """The instances of a period, or its steps, for a spreadsheet."""
    view = _asked()
    rows = _steps_csv(view) if request.args.get("table") == "steps" else _instances_csv(view)
    name = f"statistics-{view.period.value}"
    return file_of(iter([BYTE_ORDER_MARK, *rows]), "text/csv", "csv", name=name)


def grouped(number: int) -> str:
    """A number with its digits in groups. There are hundreds on a page: this takes a tenth of what
    format_decimal takes."""
    return f"{number:,}".replace(",", _group_sign(str(get_locale())))


@cache
def _group_sign(language: str) -> str:
    return str(get_group_symbol(language))


def percent(share: float | None) -> str:
    """A share in words; 100 % only if it is all."""
    if share is None:
        return "—"
    number = min(round(share * 100, 1), 99.9) if share < 1 else 100
    return gettext("%(number)s%%", number=format_decimal(number))


def length(seconds: int | None) -> str:
    """How long something took, in words."""
    if seconds is None:
        return "—"
    words: str = format_timedelta(
        timedelta(seconds=seconds), threshold=2, format="short", locale=get_locale()
    )
    return words


def short_of(times: Times, span: Span) -> str:
    """What a step is called below it."""
    day = span.start.astimezone(times.zone).date()
    if times.unit is Unit.DAY:
        return _written(day, "E d" if times.period is Period.WEEK else "d MMM")
    if times.unit is Unit.YEAR:
        return _written(day, "y")
    return _written(day, "LLL" if times.period is Period.YEAR else "LLL yy")


def long_of(times: Times, span: Span) -> str:
    """What a step is called in full."""
    day = span.start.astimezone(times.zone).date()
    forms = {Unit.DAY: "EEEE, d MMMM y", Unit.MONTH: "LLLL y", Unit.YEAR: "y"}
    return _written(day, forms[times.unit])


def _written(day: date, form: str) -> str:
    return _written_in(day, form, str(get_locale()))


@lru_cache(maxsize=4096)
def _written_in(day: date, form: str, language: str) -> str:
    """Kept: a page has a hundred of them, the same at each request."""
    return str(format_date(day, form, locale=language))


def _asked() -> View:
    wanted = request.args.get("period", "")
    period = Period(wanted) if wanted in set(Period) else Period.WEEK
    instance_id = request.args.get("instance", "")
    instance = instances.get_for(current_user, instance_id) if instance_id else None
    return View(period, instance, ZoneInfo(str(get_timezone())))


def _middle_of(times: Times, span: Span) -> str:
    """What a step is called where there is little room."""
    day = span.start.astimezone(times.zone).date()
    forms = {Unit.DAY: "d MMM", Unit.MONTH: "LLLL y", Unit.YEAR: "y"}
    return _written(day, forms[times.unit])


def _told(when: str, flow: statistics.Flow) -> str:
    return gettext(
        "%(when)s: %(sent)s sent, %(received)s received",
        when=when,
        sent=grouped(flow.sent),
        received=grouped(flow.received),
    )


def _hours(hour: int) -> str:
    return f"{hour}:00\u2013{(hour + 1) % 24}:00"


def _instances_csv(view: View) -> Iterator[str]:
    heads = [gettext("Instance"), *(head for _, head in view.columns())]
    heads += [gettext("Delivered"), gettext("Read"), gettext("Failed")]
    yield csv_row(heads)
    shown = [(one.name, one.counts) for one in view.report.instances]
    if view.instance is not None:
        shown = [(view.instance.name, view.report.totals)]
    elif not view.elsewhere().is_nothing:
        shown.append((gettext("Of no instance"), view.elsewhere()))
    names = [*(name for name, _ in COLUMNS), "delivered", "read", "failed"]
    for name, counts in shown:
        yield csv_row([name, *(str(getattr(counts, one)) for one in names)])


def _steps_csv(view: View) -> Iterator[str]:
    yield csv_row([gettext("From"), gettext("Sent"), gettext("Received")])
    for step in view.report.steps:
        day = step.span.start.astimezone(view.zone).date()
        yield csv_row([day.isoformat(), str(step.flow.sent), str(step.flow.received)])
