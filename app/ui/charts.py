"""Charts as SVG without a script: columns of bars whose places are shares of the width, so that
they fit any window while their words keep their size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

from flask_babel import format_decimal

TOP, HEIGHT, FOOT = 28, 160, 24
"""Pixels: of the line that tells about one column, of the bars, and of the words below them."""
_GAP = 0.16  # of a column, at each side of its bars


@dataclass(frozen=True, slots=True)
class Point:
    """What a column stands for: `label` below it, `told` above the chart while it is pointed at,
    `sentence` that says it all, and how much of each kind there is."""

    label: str
    told: str
    sentence: str
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """Of how many columns one has its label shown, on wide windows and on phones, counted from the
    first column or from the last."""

    each: int = 1
    each_on_phones: int = 1
    from_last: bool = True


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: `x` and `width` in percent, `y` and `height` in pixels."""

    number: int
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """The bars of one point. `on_phones`: its label is shown there, too."""

    point: Point
    x: float
    width: float
    bars: list[Bar]
    has_label: bool
    on_phones: bool

    @property
    def middle(self) -> float:
        """Where its label stands, in percent."""
        return round(self.x + self.width / 2, 3)


@dataclass(frozen=True, slots=True)
class Tick:
    """A line at a round number."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole chart."""

    columns: list[Column]
    ticks: list[Tick]

    top: int = TOP
    bottom: int = TOP + HEIGHT
    height: int = TOP + HEIGHT + FOOT

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be seen."""
        return not any(any(column.point.values) for column in self.columns)


def chart_of(points: Sequence[Point], labels: Labels) -> Chart:
    """The chart of `points`."""
    most = max((max(point.values) for point in points), default=0)
    step = _round_step(most)
    top = step * max(1, -(-most // step))
    columns = []
    for number, point in enumerate(points):
        place = len(points) - 1 - number if labels.from_last else number
        shown = place % labels.each == 0, place % labels.each_on_phones == 0
        columns.append(_column(point, number, len(points), top, *shown))
    ticks = [
        Tick(TOP + HEIGHT - HEIGHT * value / top, format_decimal(value))
        for value in range(0, top + 1, step)
    ]
    return Chart(columns, ticks)


def _column(
    point: Point, number: int, count: int, top: int, has_label: bool, on_phones: bool
) -> Column:
    whole = 100 / count
    width = whole * (1 - 2 * _GAP) / len(point.values)
    bars = []
    for place, value in enumerate(point.values):
        height = max(HEIGHT * value / top, 2) if value else 0  # something is not nothing
        x = whole * (number + _GAP) + width * place
        y = TOP + HEIGHT - height
        bars.append(Bar(place, round(x, 3), round(width, 3), round(y, 1), round(height, 1)))
    x, whole = round(whole * number, 3), round(whole, 3)
    return Column(point, x, whole, bars, has_label, on_phones)


def _round_step(most: int) -> int:
    """1, 2 or 5 of something, of which at most four make `most`."""
    if most <= 4:
        return 1
    power = 10 ** floor(log10(most / 4))
    return next(int(power * times) for times in (1, 2, 5, 10) if power * times * 4 >= most)
