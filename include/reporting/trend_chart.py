"""Where the parts of a trend's picture lie. Sizes are those of a phone's screen, so that text is never scaled down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from include.reporting.control_limits import Limits
from include.reporting.trends import Trend

WIDTH, HEIGHT = 360, 176
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 26
_TICKS = 3
_PERIOD_LABELS = 4
# Half a label's width: labels nearer to each other than two of these would touch.
_LABEL_REACH = 27


@dataclass(frozen=True)
class Mark:
    """A point of the trend: its place, and how sure it is."""

    x: float
    y: float
    is_low_base: bool
    is_outside: bool
    is_latest: bool
    index: int


@dataclass(frozen=True)
class Tick:
    """A place on an axis and the value or the number of the period that stands there."""

    at: float
    value: float


@dataclass(frozen=True)
class Span:
    """A stretch of the time axis with the limits that hold there."""

    left: float
    right: float
    upper: float
    centre: float
    lower: float


@dataclass(frozen=True)
class Picture:
    """What the template draws; all in the units of its view box."""

    marks: list[Mark]
    lines: list[list[Mark]]
    values: list[Tick]
    periods: list[Tick]
    bands: list[list[Span]]
    baseline_end: float | None
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def picture_of(trend: Trend, scale: float = 1.0) -> Picture:
    """Lay a trend out.

    Args:
        trend: at least one of its points has a value.
        scale: values are told as `value * scale` (a share as 100 × itself): ticks are round numbers of that.
    """
    known = [point.period.value for point in trend.points if point.period.value is not None]
    limited = [point.limits for point in trend.points if point.limits]
    reached = [*known, *(end for limits in limited for end in (limits.lower, limits.upper))]
    ticks = [tick / scale for tick in round_ticks(min(reached) * scale, max(reached) * scale)]
    low, high = min([*reached, *ticks]), max([*reached, *ticks])

    def x_of(index: float) -> float:
        return round(_LEFT + 6 + (WIDTH - _LEFT - _RIGHT - 12) * index / max(len(trend.points) - 1, 1), 1)

    def y_of(value: float) -> float:
        return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low), 1)

    marks = [
        Mark(
            x_of(index),
            y_of(point.period.value),
            bool(point.period.is_low_base),
            point.side is not None,
            point is trend.latest,
            index,
        )
        for index, point in enumerate(trend.points)
        if point.period.value is not None
    ]
    baseline = [index for index, point in enumerate(trend.points) if point.is_baseline]

    def span_of(index: int, limits: Limits) -> Span:
        left, right = (min(max(x_of(index + half), _LEFT), WIDTH - _RIGHT) for half in (-0.5, 0.5))
        return Span(left, right, y_of(limits.upper), y_of(limits.centre), y_of(limits.lower))

    spans = [span_of(index, point.limits) for index, point in enumerate(trend.points) if point.limits]
    return Picture(
        marks,
        _joined(marks),
        [Tick(y_of(tick), tick) for tick in ticks],
        [Tick(x_of(index), index) for index in _label_indices(len(trend.points))],
        _bands(spans),
        x_of(max(baseline) + 0.5) if baseline and max(baseline) < len(trend.points) - 1 else None,
    )


def round_ticks(low: float, high: float) -> list[float]:
    """Two to five round numbers that cover a range: multiples of 1, 2 or 5 times a power of ten."""
    if high - low < 1e-9 * max(abs(high), abs(low), 1e-3):
        low, high = low - max(abs(low) * 0.1, 0.5), high + max(abs(high) * 0.1, 0.5)
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _joined(marks: Sequence[Mark]) -> list[list[Mark]]:
    """Points in a row without a gap between them."""
    lines: list[list[Mark]] = [[marks[0]]] if marks else []
    for earlier, later in pairwise(marks):
        if later.index == earlier.index + 1:
            lines[-1].append(later)
        else:
            lines.append([later])
    return lines


def _bands(spans: Sequence[Span]) -> list[list[Span]]:
    """Spans that touch each other, those of the same limits as one."""
    bands: list[list[Span]] = []
    for span in spans:
        if not bands or bands[-1][-1].right != span.left:
            bands.append([span])
            continue
        last = bands[-1][-1]
        if (last.upper, last.centre, last.lower) == (span.upper, span.centre, span.lower):
            bands[-1][-1] = replace(last, right=span.right)
        else:
            bands[-1].append(span)
    return bands


def _label_indices(count: int) -> list[int]:
    """Periods that get a label: the first and the last, and between them as many as there is room for."""
    room = int((WIDTH - _LEFT - _RIGHT) / (2 * _LABEL_REACH))
    wanted = min(count, _PERIOD_LABELS, room)
    if wanted < 2:
        return [count - 1]
    return sorted({round(index * (count - 1) / (wanted - 1)) for index in range(wanted)})
