"""The way of a metric through its last complete periods, with the limits that its beginning sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from include.periods import following
from include.reporting.control_limits import BASELINE, Limits, Side, clipped, individuals_limits, share_chart

MONTHS, WEEKS = 24, 26
LENGTHS = {"month": MONTHS, "week": WEEKS}
# Limits of single values; of shares, by the chance of their n; of shares of very many cases, by their own spread.
Method = Literal["individuals", "shares", "laney"]


@dataclass(frozen=True)
class PeriodValue:
    """One row of fct_metric_period over everything; `base`: the cases that a share is of (effective if weighted)."""

    grain: str
    start: date
    value: float | None
    n: int | None
    is_low_base: bool | None
    ci_low: float | None
    ci_high: float | None
    null_reason: str | None
    base: float | None = None


@dataclass(frozen=True)
class Point:
    """A period of a trend; `side` of its limits on which its value lies: null inside, or where nothing can be said."""

    period: PeriodValue
    is_baseline: bool
    side: Side | None
    limits: Limits | None


@dataclass(frozen=True)
class Trend:
    """Periods without a gap, oldest first; `method` of their limits is null where too few of them can set some."""

    grain: str
    points: list[Point]
    method: Method | None

    @property
    def outside(self) -> list[Point]:
        """The points outside the limits."""
        return [point for point in self.points if point.side]

    @property
    def latest(self) -> Point | None:
        """The last point that has a value."""
        return next((point for point in reversed(self.points) if point.period.value is not None), None)


def trend_of(rows: Iterable[PeriodValue], unit: str, until: date, *, is_share_of_cases: bool = False) -> Trend | None:
    """The trend of one metric: by month where at least 12 of those shown have a value, else by week.

    Args:
        rows: of the metric, of any grains, in any order.
        unit: of the metric, for what its limits can't exceed.
        until: the first local day that is not complete.
        is_share_of_cases: its numerator counts cases of its denominator; limits then go with the number of cases.

    Returns:
        None where no complete month and no complete week has a value, or only such as are older than what it shows.
    """
    by_grain: dict[str, dict[date, PeriodValue]] = {grain: {} for grain in LENGTHS}
    for row in rows:
        if row.grain in by_grain and following(row.grain, row.start) <= until:
            by_grain[row.grain][row.start] = row
    shown = {grain: _unbroken(grain, found, until) for grain, found in by_grain.items() if found}
    counts = {grain: sum(period.value is not None for period in shown.get(grain, [])) for grain in LENGTHS}
    if not any(counts.values()):
        return None
    grain = "month" if counts["month"] >= min(BASELINE, counts["week"] or 1) else "week"
    return _trend(grain, shown[grain], unit, is_share_of_cases)


def preceding(grain: str, day: date) -> date:
    """The first day of the last period that is over when `day` begins."""
    if grain == "week":
        return day - timedelta(days=day.weekday() + 7)
    months = {"month": 1, "quarter": 3}[grain]
    index = (day.year * 12 + day.month - 1) // months * months - months
    return date(index // 12, index % 12 + 1, 1)


def _unbroken(grain: str, known: dict[date, PeriodValue], until: date) -> list[PeriodValue]:
    """The last complete periods, from the first that is known; one that is not known has no data."""
    starts = [preceding(grain, until)]
    while len(starts) < LENGTHS[grain] and starts[-1] > min(known):
        starts.append(preceding(grain, starts[-1]))
    empty = PeriodValue(grain, until, None, 0, None, None, None, "no_data")
    return [known.get(start) or PeriodValue(**{**empty.__dict__, "start": start}) for start in reversed(starts)]


def _trend(grain: str, periods: list[PeriodValue], unit: str, is_share_of_cases: bool) -> Trend:
    # A value of a few cases jumps about by itself: it neither sets the limits nor is held against them.
    sound = [period for period in periods if period.value is not None and not period.is_low_base]
    method, limits = _share_limits(sound, periods) if is_share_of_cases else _value_limits(sound, periods, unit)
    baseline = {period.start for period in sound[:BASELINE]} if method else set()
    points = []
    for period, own in zip(periods, limits, strict=True):
        is_held = own is not None and period.value is not None and not period.is_low_base
        side = own.side_of(period.value) if is_held and own and period.value is not None else None
        points.append(Point(period, period.start in baseline, side, own))
    return Trend(grain, points, method)


_PeriodLimits = tuple[Method | None, Sequence[Limits | None]]


def _value_limits(sound: list[PeriodValue], periods: list[PeriodValue], unit: str) -> _PeriodLimits:
    """The same limits for all periods."""
    limits = individuals_limits([period.value for period in sound if period.value is not None])
    if limits is None:
        return None, [None] * len(periods)
    return "individuals", [clipped(limits, unit)] * len(periods)


def _share_limits(sound: list[PeriodValue], periods: list[PeriodValue]) -> _PeriodLimits:
    """Limits of each period by its own number of cases; without cases none."""
    based = [(period.value, period.base) for period in sound if period.value is not None and period.base]
    chart = share_chart([share for share, _ in based], [base for _, base in based])
    if chart is None:
        return None, [None] * len(periods)
    method: Method = "laney" if chart.is_laney else "shares"
    return method, [chart.limits(period.base) if period.base else None for period in periods]
