"""Where the parts of the card's pictures lie: lines, dots and boxes on axes that begin at zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from include.reporting.trend_chart import round_ticks

WIDTH, HEIGHT = 360, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 40


@dataclass(frozen=True)
class Label:
    """A place on an axis, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """Points in a row, each (x, y) in the units of the view box; `kind` is a class of the style."""

    kind: str
    points: list[tuple[float, float]]

    @property
    def path(self) -> str:
        """The points as an attribute of a polyline."""
        return " ".join(f"{x},{y}" for x, y in self.points)


@dataclass(frozen=True)
class Box:
    """Quantiles of a group: whiskers to the first and last, a box from second to fourth, a bar at the median."""

    y: float
    at: tuple[float, float, float, float, float]
    text: str


@dataclass(frozen=True)
class Chart:
    """What the template draws."""

    x_labels: list[Label]
    y_labels: list[Label]
    lines: list[Line] = field(default_factory=list)
    dots: list[Line] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Series:
    """Values to draw: (x, y) pairs, joined or as dots."""

    kind: str
    values: Sequence[tuple[float, float]]
    is_joined: bool = True


def chart_of(series: Sequence[Series], percent_x: bool, percent_y: bool) -> Chart:
    """Axes from zero to a round number beyond the largest value; percent: shares are told as 100 times themselves."""
    points = [point for one in series for point in one.values]
    x_ticks = _ticks(max(x for x, _ in points), percent_x)
    y_ticks = _ticks(max(y for _, y in points), percent_y)

    def placed(point: tuple[float, float]) -> tuple[float, float]:
        x = _LEFT + (WIDTH - _LEFT - _RIGHT) * point[0] / x_ticks[-1]
        y = HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * point[1] / y_ticks[-1]
        return round(x, 1), round(y, 1)

    drawn = [(one, Line(one.kind, [placed(point) for point in one.values])) for one in series]
    return Chart(
        x_labels=[Label(placed((tick, 0))[0], _told(tick, percent_x)) for tick in x_ticks],
        y_labels=[Label(placed((0, tick))[1], _told(tick, percent_y)) for tick in y_ticks],
        lines=[line for one, line in drawn if one.is_joined],
        dots=[line for one, line in drawn if not one.is_joined],
    )


def boxes_of(groups: Sequence[tuple[str, Sequence[float]]]) -> Chart:
    """One box per group, from its five quantiles."""
    ticks = _ticks(max(max(values) for _, values in groups), False)
    low = min(0.0, *(min(values) for _, values in groups))

    def x_of(value: float) -> float:
        left = _LEFT + 40
        return round(left + (WIDTH - left - _RIGHT) * (value - low) / (ticks[-1] - low), 1)

    step = (HEIGHT - _TOP - _BOTTOM) / len(groups)
    boxes = []
    for number, (text, values) in enumerate(groups):
        first, second, third, fourth, fifth = (x_of(value) for value in values)
        boxes.append(Box(round(_TOP + step * (number + 0.5), 1), (first, second, third, fourth, fifth), text))
    return Chart(x_labels=[Label(x_of(tick), _told(tick, False)) for tick in ticks], y_labels=[], boxes=boxes)


def _ticks(highest: float, is_percent: bool) -> list[float]:
    scale = 100 if is_percent else 1
    return [tick / scale for tick in round_ticks(0, max(highest, 1e-6) * scale)]


def _told(value: float, is_percent: bool) -> str:
    return f"{value * 100:g}%" if is_percent else f"{value:,g}"
