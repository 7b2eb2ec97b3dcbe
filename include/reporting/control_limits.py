"""Control limits: what a metric does by itself, so that the rest stands out. I-MR for values, p-charts for shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Literal

BASELINE = 12
# From this many cases in a period on average, chance alone makes limits so narrow that every small thing lies outside.
LARGE_BASE = 1_000
# Turns a mean range of two values into a standard deviation; 3 / 1.128, rounded, is the known 2.66.
_D2 = 1.128
_SIGMAS = 3
Side = Literal["above", "below"]


@dataclass(frozen=True)
class Limits:
    """Centre line and control limits, in the unit of the values they come from."""

    lower: float
    centre: float
    upper: float

    def side_of(self, value: float) -> Side | None:
        """Whether a value lies outside, and where; on a limit is inside."""
        # A value that never moves has limits that are itself, save for the last binary digit.
        if any(math.isclose(value, limit, rel_tol=1e-9, abs_tol=1e-12) for limit in (self.lower, self.upper)):
            return None
        if value > self.upper:
            return "above"
        return "below" if value < self.lower else None


def individuals_limits(values: Sequence[float]) -> Limits | None:
    """Limits of the first 12 values, to hold later ones against: mean ± 2.66 × mean moving range.

    Frozen on the baseline, a lasting change shows as points outside instead of moving the limits along.

    Args:
        values: in the order of time, without gaps filled.

    Returns:
        None with fewer values than the baseline needs.

    Source: Shewhart's chart for individuals, METHODS "Explaining".
    """
    if len(values) < BASELINE:
        return None
    baseline = values[:BASELINE]
    centre = fmean(baseline)
    reach = _SIGMAS * _mean_range(baseline) / _D2
    return Limits(centre - reach, centre, centre + reach)


@dataclass(frozen=True)
class ShareChart:
    """What sets the limits of a share: its centre, and how many times wider than chance alone it spreads."""

    centre: float
    spread: float = 1.0
    is_laney: bool = False

    def limits(self, base: float) -> Limits:
        """Limits of a share of `base` cases: centre ± 3 × spread × √(centre × (1 − centre) / base), within 0 and 1."""
        reach = _SIGMAS * self.spread * _share_error(self.centre, base)
        return Limits(max(self.centre - reach, 0.0), self.centre, min(self.centre + reach, 1.0))


def share_chart(shares: Sequence[float], bases: Sequence[float]) -> ShareChart | None:
    """The p-chart that the first 12 shares set for later ones; at large bases Laney's p′-chart.

    Args:
        shares: 0 to 1, in the order of time, without gaps filled.
        bases: the cases that each is a share of, above 0.

    Returns:
        None with fewer shares than the baseline needs.

    Source: Montgomery, Introduction to Statistical Quality Control, 7.3 (limits that vary with n); Laney 2002, Improved
    control charts for attributes (p′); METHODS "Explaining".
    """
    if len(shares) < BASELINE:
        return None
    baseline, cases = shares[:BASELINE], bases[:BASELINE]
    centre = sum(share * base for share, base in zip(baseline, cases, strict=True)) / sum(cases)
    if fmean(cases) < LARGE_BASE or not 0 < centre < 1:
        return ShareChart(centre)
    steps = [(share - centre) / _share_error(centre, base) for share, base in zip(baseline, cases, strict=True)]
    return ShareChart(centre, _mean_range(steps) / _D2, is_laney=True)


def _share_error(share: float, base: float) -> float:
    return math.sqrt(max(share * (1 - share), 0.0) / base)


def _mean_range(values: Sequence[float]) -> float:
    return fmean(abs(later - earlier) for earlier, later in pairwise(values))


def natural_bounds(unit: str) -> tuple[float | None, float | None]:
    """The smallest and largest value that a unit can take; null where there is none."""
    if unit == "share":
        return 0.0, 1.0
    if unit == "points":
        return -100.0, 100.0
    if unit in ("minutes", "count", "per_1000", "per_10000"):
        return 0.0, None
    return None, None


def clipped(limits: Limits, unit: str) -> Limits:
    """Limits no wider than what the unit can take."""
    low, high = natural_bounds(unit)
    return Limits(
        limits.lower if low is None else max(limits.lower, low),
        limits.centre,
        limits.upper if high is None else min(limits.upper, high),
    )
