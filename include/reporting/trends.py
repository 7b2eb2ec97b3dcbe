"""The way of a metric through its last complete periods, with the limits that its beginning sets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from include.reporting.control_limits import BASELINE, Limits, Side, clipped, individuals_limits

MONTHS, WEEKS = 24, 26
LENGTHS = {"month": MONTHS, "week": WEEKS}


@dataclass(frozen=True)
class PeriodValue:
    """One row of fct_metric_period over everything."""

    grain: str
    start: date
    value: float | None
    n: int | None
    is_low_base: bool | None
    ci_low: float | None
    ci_high: float | None
    null_reason: str | None


@dataclass(frozen=True)
class Point:
    """A period of a trend; `side` of the limits on which its value lies: null inside, or where nothing can be said."""

    period: PeriodValue
    is_baseline: bool
    side: Side | None


@dataclass(frozen=True)
class Trend:
    """Periods without a gap, oldest first; without limits where too few of them can set some."""

    grain: str
    points: list[Point]
    limits: Limits | None

    @property
    def outside(self) -> list[Point]:
        """The points outside the limits."""
        return [point for point in self.points if point.side]

    @property
    def latest(self) -> Point | None:
        """The last point that has a value."""
        return next((point for point in reversed(self.points) if point.period.value is not None), None)


def trend_of(rows: Iterable[PeriodValue], unit: str, until: date) -> Trend | None:
    """The trend of one metric: by month where at least 12 complete ones have a value, else by week.

    Args:
        rows: of the metric, of any grains, in any order.
        unit: of the metric, for what its limits can't exceed.
        until: the first local day that is not complete.

    Returns:
        None where no complete month and no complete week has a value.
    """
    by_grain: dict[str, dict[date, PeriodValue]] = {grain: {} for grain in LENGTHS}
    for row in rows:
        if row.grain in by_grain and following(row.grain, row.start) <= until:
            by_grain[row.grain][row.start] = row
    counts = {grain: sum(row.value is not None for row in found.values()) for grain, found in by_grain.items()}
    if not any(counts.values()):
        return None
    grain = "month" if counts["month"] >= min(BASELINE, counts["week"] or 1) else "week"
    return _trend(grain, _unbroken(grain, by_grain[grain], until), unit)


def following(grain: str, start: date) -> date:
    """The first day after a period."""
    if grain == "week":
        return start + timedelta(days=7)
    months = {"month": 1, "quarter": 3}[grain]
    index = start.year * 12 + start.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


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


def _trend(grain: str, periods: list[PeriodValue], unit: str) -> Trend:
    # A value of a few cases jumps about by itself: it neither widens the limits nor is held against them.
    sound = [period for period in periods if period.value is not None and not period.is_low_base]
    limits = individuals_limits([period.value for period in sound if period.value is not None])
    baseline = {period.start for period in sound[:BASELINE]} if limits else set()
    points = []
    for period in periods:
        is_held = limits is not None and period.value is not None and not period.is_low_base
        side = limits.side_of(period.value) if is_held and limits and period.value is not None else None
        points.append(Point(period, period.start in baseline, side))
    return Trend(grain, points, clipped(limits, unit) if limits else None)
