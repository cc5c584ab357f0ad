"""The numbers of any period equal a count of what happened that was kept beside it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from app.core.periods import Period, times_of
from app.core.states import MessageStatus
from app.core.usage import REPLY_BOUNDS, floor_of, median_reply, reply_counter, runs_of
from app.extensions import db
from app.services import counting, statistics
from app.services.counting import Counted
from app.services.statistics import Report, Scope
from app.transaction import transaction
from tests import factories
from tests.queries import selects
from tests.services.test_counting import heard, sent, store

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
ZONES = [BERLIN, NEW_YORK, ZoneInfo("UTC")]
BEGUN = datetime(2026, 10, 20, 20, tzinfo=UTC)
"""Berlin leaves summer time on the 25th, New York on the 1st of November."""
NOW = datetime(2026, 11, 2, 22, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENTS = 120


@dataclass(frozen=True)
class Happened:
    """Something, as somebody who only looked on wrote it down."""

    what: str
    at: datetime
    instance_id: str
    is_file: bool = False


@pytest.fixture
def log(linked, bob) -> list[Happened]:
    """Two weeks of two instances, and what happened in them."""
    other = factories.instance(bob, name="Other", state="connected")
    accounts = {linked.id: linked.account, other.id: factories.linked_account(other)}
    chats = {key: factories.chat(account) for key, account in accounts.items()}
    dice, seen = random.Random(11), []  # noqa: S311 - a test's own chance
    with time_machine.travel(BEGUN, tick=False) as clock:
        for number in range(EVENTS):
            clock.move_to(BEGUN + number * (NOW - BEGUN) / EVENTS)
            instance = dice.choice([linked, other])
            at = datetime.now(UTC).replace(microsecond=0)
            seen += _something(dice, instance, accounts, chats, at, f"W{number}")
    return seen


def _something(dice, instance, accounts, chats, at, wa_id) -> list[Happened]:
    def happened(what, is_file=False):
        return Happened(what, at, instance.id, is_file)

    what = dice.choice(["received", "received", "phone", "sent", "history"])
    chat, is_file = chats[instance.id], dice.random() < 0.3
    if what == "sent":
        sent(instance, wa_id, at=at, to=chat.jid)
        if dice.random() < 0.5:
            heard(accounts[instance.id], wa_id, MessageStatus.READ, at + 30 * HOUR)
            return [happened("sent"), happened("delivered"), happened("read")]
        return [happened("sent")]
    kind, from_me = "image" if is_file else "text", what == "phone"
    store(chat, wa_id, kind=kind, from_me=from_me, at=at, is_news=what != "history")
    if what == "history":
        return []
    return [happened("sent" if from_me else "received", is_file)]


def report(owner, period, zone, *, instance=None, now=NOW) -> Report:
    db.session.rollback()
    with time_machine.travel(now, tick=False):
        return statistics.report(Scope(owner.id, instance), period, zone)


def first_day(period: Period, zone: ZoneInfo) -> date:
    """When the period began, by the calendar."""
    today = NOW.astimezone(zone).date()
    return today - timedelta(days={"week": 6, "month": 29}.get(period, 500))


def test_every_number_equals_the_log_wherever_the_reader_is(bob, linked, log):
    for zone in ZONES:
        for period in (Period.WEEK, Period.MONTH, Period.ALL):
            within = [one for one in log if day_of(one, zone) >= first_day(period, zone)]
            shown = report(bob, period, zone)
            check_totals(shown, within)
            check_instances(bob, linked, shown, within)
        check_days(report(bob, Period.MONTH, zone), log)
        check_hours(bob, report(bob, Period.MONTH, zone), log)
    check_chats(bob, report(bob, Period.ALL, ZoneInfo("UTC")), log)
    with selects() as asked:
        report(bob, Period.YEAR, BERLIN)
    assert len(asked) <= 12


def day_of(happened: Happened, zone: ZoneInfo) -> date:
    return happened.at.astimezone(zone).date()


def check_totals(shown: Report, within: list[Happened]) -> None:
    expected = Counter(one.what for one in within)
    files = Counter(one.what for one in within if one.is_file)
    counts = shown.totals
    assert {name: getattr(counts, name) for name in ("sent", "received", "delivered", "read")} == {
        name: expected[name] for name in ("sent", "received", "delivered", "read")
    }
    assert (counts.media_sent, counts.media_received) == (files["sent"], files["received"])
    assert expected["sent"] > 5


def check_instances(owner, instance, shown: Report, within: list[Happened]) -> None:
    expected = Counter((one.instance_id, one.what) for one in within)
    for one in shown.instances:
        assert one.counts.sent == expected[one.id, "sent"]
        assert one.counts.received == expected[one.id, "received"]
    alone = report(owner, shown.times.period, shown.times.zone, instance=instance).totals
    assert [alone] == [one.counts for one in shown.instances if one.id == instance.id]


def check_days(shown: Report, log: list[Happened]) -> None:
    """Each day by the reader's clock."""
    zone = shown.times.zone
    expected = Counter((day_of(one, zone), one.what) for one in log)
    days = [step.span.start.astimezone(zone).date() for step in shown.steps]
    assert days == [first_day(Period.MONTH, zone) + timedelta(days=n) for n in range(30)]
    assert [(step.flow.sent, step.flow.received) for step in shown.steps] == [
        (expected[day, "sent"], expected[day, "received"]) for day in days
    ]


def check_hours(owner, shown: Report, log: list[Happened]) -> None:
    written = [one for one in log if one.what in {"sent", "received"}]
    hours = Counter(one.at.astimezone(shown.times.zone).hour for one in written)
    found = statistics.busy_hours(Scope(owner.id), shown.times)
    assert found == [hours[hour] for hour in range(24)]


def check_chats(owner, shown: Report, log: list[Happened]) -> None:
    top = statistics.top_chats(Scope(owner.id), shown.times)
    expected = Counter((one.instance_id, one.what) for one in log)
    assert {one.chat.instance_id: (one.flow.sent, one.flow.received) for one in top} == {
        key: (expected[key, "sent"], expected[key, "received"])
        for key in {one.instance_id for one in log}
    }
    totals = [one.flow.sent + one.flow.received for one in top]
    assert totals == sorted(totals, reverse=True)


def test_the_day_on_which_the_clocks_change_has_an_hour_more():
    times = times_of(Period.MONTH, NOW, BERLIN, first=None)
    hours = {
        span.start.astimezone(BERLIN).date(): (span.end - span.start) / HOUR for span in times.steps
    }
    assert hours[date(2026, 10, 25)] == 25
    assert hours[date(2026, 10, 26)] == 24


def test_what_is_compared_is_as_long_as_what_has_passed(bob, linked):
    def add(number, at):
        with transaction():
            counting.count(Counted("sent", at, linked.id, number=number))

    for number, at in ((1, NOW), (10, NOW - 7 * 24 * HOUR), (100, NOW - 7 * 24 * HOUR + 2 * HOUR)):
        add(number, at)
    assert report(bob, Period.WEEK, NEW_YORK).before is None  # nobody counted when it began
    add(1000, NOW - 60 * 24 * HOUR)
    shown = report(bob, Period.WEEK, ZoneInfo("UTC"))
    assert (shown.totals.sent, shown.before.sent) == (101, 10)


# Periods


def test_a_year_is_twelve_months_with_the_running_one():
    times = times_of(Period.YEAR, NOW, BERLIN, first=None)
    assert times.span.start.astimezone(BERLIN).isoformat() == "2025-12-01T00:00:00+01:00"
    assert len(times.steps) == 12
    assert times.before.start.astimezone(BERLIN).isoformat() == "2024-12-01T00:00:00+01:00"
    assert times.before.end == datetime(2025, 11, 2, 23, tzinfo=UTC)


def test_the_period_before_a_leap_day_ends_on_the_day_before():
    times = times_of(Period.YEAR, datetime(2028, 2, 29, 12, tzinfo=UTC), ZONES[2], first=None)
    assert times.before.end == datetime(2027, 2, 28, 13, tzinfo=UTC)


def test_a_day_begins_at_the_full_hour_before_a_midnight_between_hours():
    times = times_of(Period.WEEK, NOW, ZoneInfo("Asia/Kolkata"), first=None)
    assert times.span.start == datetime(2026, 10, 27, 18, tzinfo=UTC)  # half past six is midnight


@pytest.mark.parametrize("hours", [1, 23, 24, 25, 700, 800, 10_000])
def test_runs_of_rows_cover_the_time_without_a_gap(hours):
    end = BEGUN + hours * HOUR
    runs = list(runs_of(BEGUN, end))
    assert [run[1] for run in runs] == [BEGUN, *(run[2] for run in runs[:-1])]
    assert runs[-1][2] == end
    assert len(runs) <= 5
    assert all(floor_of(at, grain) == at for grain, *edges in runs for at in edges)


@pytest.mark.parametrize(
    "zone", ["Europe/London", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"]
)
def test_each_step_has_what_lies_in_it_in_every_zone(bob, linked, zone):
    """London begins summer time on a day of UTC that has two midnights."""
    now, hours = datetime(2026, 4, 2, 5, tzinfo=UTC), Counter()
    with transaction():
        for ago in range(0, 24 * 30, 5):
            hours[now - ago * HOUR] = ago % 7 + 1
            counting.count(Counted("sent", now - ago * HOUR, linked.id, number=ago % 7 + 1))
    for step in report(bob, Period.MONTH, ZoneInfo(zone), now=now).steps:
        within = [n for at, n in hours.items() if step.span.start <= at < step.span.end]
        assert step.flow.sent == sum(within)


def test_the_median_of_replies_is_right_to_within_a_step():
    dice = random.Random(5)  # noqa: S311 - a test's own chance
    times = sorted(int(dice.lognormvariate(5, 1.5)) for _ in range(501))
    counts = Counter(map(reply_counter, times))
    found = median_reply([counts[f"replies_{n}"] for n in range(len(REPLY_BOUNDS) + 1)])
    low = max(bound for bound in (0, *REPLY_BOUNDS) if bound < times[250])
    high = min(bound for bound in REPLY_BOUNDS if bound >= times[250])
    assert low <= found <= high
    assert median_reply([0] * 21) is None
