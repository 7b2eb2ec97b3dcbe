"""Control limits of single values (I-MR): what a metric does by itself, so that the rest stands out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Literal

BASELINE = 12
# 3 / d2, where d2 = 1.128 turns a mean range of two values into a standard deviation; rounded, it is the known 2.66.
_WIDTH = 3 / 1.128
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
    reach = _WIDTH * fmean(abs(later - earlier) for earlier, later in pairwise(baseline))
    return Limits(centre - reach, centre, centre + reach)


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
