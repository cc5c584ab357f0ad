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
    """What a column stands for: `label` below it, `sentence` that says it all, and how much of each
    kind there is."""

    label: str
    sentence: str
    values: tuple[int, ...]


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
    """The bars of one point, and the place of the pointer that shows its sentence."""

    point: Point
    x: float
    width: float
    middle: float
    bars: list[Bar]
    has_label: bool


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


def chart_of(points: Sequence[Point], *, labels: int = 7) -> Chart:
    """The chart of `points`, at most so many of which have their label shown."""
    step = _round_step(max((max(point.values) for point in points), default=0))
    top = step * max(1, -(-max((max(p.values) for p in points), default=0) // step))
    every = -(-len(points) // labels)
    last = len(points) - 1
    columns = [
        _column(point, number, len(points), top, has_label=(last - number) % every == 0)
        for number, point in enumerate(points)
    ]
    ticks = [
        Tick(TOP + HEIGHT - HEIGHT * value / top, format_decimal(value))
        for value in range(0, top + 1, step)
    ]
    return Chart(columns, ticks)


def _column(point: Point, number: int, count: int, top: int, *, has_label: bool) -> Column:
    whole = 100 / count
    width = whole * (1 - 2 * _GAP) / len(point.values)
    bars = []
    for place, value in enumerate(point.values):
        height = HEIGHT * value / top
        if value:
            height = max(height, 2)  # something is not nothing
        x = whole * (number + _GAP) + width * place
        bars.append(
            Bar(
                place,
                round(x, 3),
                round(width, 3),
                round(TOP + HEIGHT - height, 1),
                round(height, 1),
            )
        )
    x = whole * number
    return Column(point, round(x, 3), round(whole, 3), round(x + whole / 2, 3), bars, has_label)


def _round_step(most: int) -> int:
    """1, 2 or 5 of something, of which at most four make `most`."""
    if most <= 4:
        return 1
    power = 10 ** floor(log10(most / 4))
    return next(int(power * times) for times in (1, 2, 5, 10) if power * times * 4 >= most)
