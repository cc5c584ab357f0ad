"""Statistics: how much was sent, received and called."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field

from app.api.blueprint import bp
from app.api.bodies import Answer, Body, Moment
from app.api.identity import caller
from app.core.errors import Invalid
from app.core.events import iso
from app.core.periods import Period, Span, Times
from app.core.texts import N_
from app.services import instances, statistics
from app.services.statistics import Counts, Report, Scope

TAGS = ["Statistics"]
_RATE = "A share from 0 to 1"


class StatisticsQuery(Body):
    """Which statistics."""

    period: Period = Field(
        default=Period.WEEK,
        description="week: 7 days with today; month: 30 days; year: 12 months with the running one;"
        " all: everything that was counted.",
    )
    time_zone: str = Field(
        default="UTC",
        max_length=64,
        description="In which days begin: a name of the IANA database, such as Europe/Moscow.",
        examples=["Europe/Moscow"],
    )


class CountsShown(Answer):
    """What was counted."""

    sent: int = Field(description="Messages that WhatsApp accepted, also from the phone.")
    received: int
    media_sent: int = Field(description="Those of them with a file.")
    media_received: int
    delivered: int = Field(description="Of those sent, how many have been delivered by now.")
    read: int
    failed: int = Field(description="Messages made then that failed or whose time was over.")
    api_calls: int
    webhook_calls: int = Field(description="Tries, also those that failed.")
    webhook_delivered: int = Field(description="Tries that the receiver accepted.")


class InstanceStatistics(CountsShown):
    """What one instance did."""

    id: str = Field(examples=["ins_01J9ZK8M3Q4R5S6T7V8W9X0Y1Z"])
    name: str
    deleted: bool = Field(description="It is there no more; what it did is.")


class StepShown(Answer):
    """A day, a month or a year of the period."""

    from_: Moment = Field(alias="from")
    to: Moment
    sent: int
    received: int


class Statistics(Answer):
    """The statistics of a period."""

    period: Period
    time_zone: str = Field(examples=["Europe/Moscow"])
    from_: Moment = Field(alias="from")
    to: Moment = Field(description="The end of the running hour.")
    totals: CountsShown
    before: CountsShown | None = Field(
        description="The same time of the period before; null where there is none, or where nothing"
        " was counted yet when it began."
    )
    delivery_rate: float | None = Field(description=f"{_RATE}: delivered of sent.")
    read_rate: float | None = Field(description=f"{_RATE}: read of sent.")
    median_reply_seconds: int | None = Field(
        description="How long people waited for the first reply: the median, to the nearest of some"
        " twenty steps."
    )
    webhook_success_rate: float | None = Field(description=f"{_RATE}: accepted of all tries.")
    webhook_mean_ms: int | None = Field(description="How long webhooks took to answer.")
    hours: list[int] = Field(
        description="Messages by the hour of the day, of the last 30 days of the period.",
        min_length=24,
        max_length=24,
    )
    steps: list[StepShown] = Field(description="The course of the period, oldest first.")


class UserStatistics(Statistics):
    """Those of all instances of a person together, and of each."""

    instances: list[InstanceStatistics]


def scope_of_all() -> Scope:
    """All instances of who calls. Raises Forbidden for a key that is limited to some."""
    instances.check_reach(caller(), None)
    return Scope(caller().id)


@bp.get("/stats/user")
@bp.input(StatisticsQuery, location="query", arg_name="query")
@bp.output(UserStatistics, description="The statistics.")
@bp.doc(operation_id="getUserStatistics", summary="Show your statistics", tags=TAGS)
def show_user_statistics(query: StatisticsQuery) -> UserStatistics:
    """Show your statistics

    What all of your instances did in a period, each of them and together. Calls that are of no
    instance are in the totals alone. A key that is limited to instances does not see them.
    """
    scope = scope_of_all()
    report = statistics.report(scope, query.period, zone_of(query))
    listed = [
        {"id": one.id, "name": one.name, "deleted": one.deleted, **_counts(one.counts)}
        for one in report.instances
    ]
    return UserStatistics.model_validate(_shown(scope, report) | {"instances": listed})


@bp.get("/stats/instances/<instance_id>")
@bp.input(StatisticsQuery, location="query", arg_name="query")
@bp.output(Statistics, description="The statistics.")
@bp.doc(operation_id="getInstanceStatistics", summary="Show statistics of an instance", tags=TAGS)
def show_instance_statistics(instance_id: str, query: StatisticsQuery) -> Statistics:
    """Show statistics of an instance

    What it did in a period.
    """
    scope = Scope(caller().id, instances.get_for(caller(), instance_id))
    report = statistics.report(scope, query.period, zone_of(query))
    return Statistics.model_validate(_shown(scope, report))


def zone_of(query: StatisticsQuery) -> ZoneInfo:
    """The time zone that is asked for. Raises Invalid."""
    try:
        return ZoneInfo(query.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = N_("This is no time zone that is known here.")
        raise Invalid(message, field="timeZone", code="bad_time_zone") from None


def _shown(scope: Scope, report: Report) -> dict[str, Any]:
    times, totals = report.times, report.totals
    return {
        **_times(times),
        "totals": _counts(totals),
        "before": None if report.before is None else _counts(report.before),
        "delivery_rate": totals.delivery_rate,
        "read_rate": totals.read_rate,
        "median_reply_seconds": report.median_reply_seconds,
        "webhook_success_rate": totals.webhook_success_rate,
        "webhook_mean_ms": totals.webhook_mean_ms,
        "hours": statistics.busy_hours(scope, times),
        "steps": [
            {**_span(step.span), "sent": step.flow.sent, "received": step.flow.received}
            for step in report.steps
        ],
    }


def _times(times: Times) -> dict[str, Any]:
    return {"period": times.period, "time_zone": times.zone.key, **_span(times.span)}


def _span(span: Span) -> dict[str, str]:
    return {"from": iso(span.start), "to": iso(span.end)}


def _counts(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in CountsShown.model_fields}
