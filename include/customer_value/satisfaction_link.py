"""What satisfaction has to do with staying: a rank correlation, and a logistic model with other causes beside it.

Both describe who stayed among those who answered. Neither says that satisfaction made them stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.customer_value.features import Floats, Keys
from include.customer_value.forecast_scores import Z95, mid_ranks
from include.customer_value.logistic import fit_logistic

# Fewer customers, or fewer of the rarer outcome per column of the model, are too few (Vittinghoff and McCulloch 2007).
LEAST_CUSTOMERS = 30
EVENTS_PER_COLUMN = 5


@dataclass(frozen=True)
class Estimate:
    """An estimate with its 95 % interval; all null, with a reason, where it can't be had."""

    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


def spearman(first: Floats, second: Floats) -> Estimate:
    """Rank correlation of (n,) and (n,), ties by mid-ranks.

    The interval is Fisher's z with the error of Bonett and Wright 2000, sqrt((1 + rho^2 / 2) / (n - 3)).
    """
    n = len(first)
    if n < LEAST_CUSTOMERS:
        return Estimate(n, reason="too_few_customers")
    x, y = mid_ranks(first), mid_ranks(second)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Estimate(n, reason="all_alike")
    x, y = x - np.mean(x), y - np.mean(y)
    rho = float(np.clip(np.sum(x * y) / np.sqrt(np.sum(x * x) * np.sum(y * y)), -1, 1))
    if abs(rho) > 1 - 1e-12:
        return Estimate(n, rho, rho, rho)
    error = np.sqrt((1 + rho**2 / 2) / (n - 3))
    low, high = np.tanh(np.arctanh(rho) + np.array([-1, 1]) * Z95 * error)
    return Estimate(n, rho, float(low), float(high))


def odds_ratio(score: Floats, stayed: Floats, beside: Floats, unit: float) -> Estimate:
    """Odds of staying for `unit` more points of score, all else alike: e^(b · unit), with Wald's interval.

    Args:
        score: (n,) points.
        stayed: (n,) of 0 and 1.
        beside: (n, k) what stands beside the score; constant columns are left out.
        unit: points of score that make one step.
    """
    n = len(score)
    if n < LEAST_CUSTOMERS:
        return Estimate(n, reason="too_few_customers")
    columns = [score / unit] + [column for column in beside.T if np.ptp(column) > 0]
    if np.ptp(score) == 0 or np.ptp(stayed) == 0:
        return Estimate(n, reason="all_alike")
    if min(np.sum(stayed), n - np.sum(stayed)) < EVENTS_PER_COLUMN * len(columns):
        return Estimate(n, reason="too_few_losses")
    fit = fit_logistic(np.column_stack(columns), stayed)
    if not fit.is_converged:
        return Estimate(n, reason="not_converged")
    slope, error = fit.coefficients[1], float(np.sqrt(fit.covariance[1, 1]))
    value, low, high = (float(np.exp(slope + step * Z95 * error)) for step in (0, -1, 1))
    return Estimate(n, value, low, high)


def last_of_each(customers: Keys, days: Keys, tiebreak: Keys) -> npt.NDArray[np.int64]:
    """Place of each customer's last row (by day, then `tiebreak`), in order of customer; so rows are independent."""
    order = np.lexsort((tiebreak, days, customers))
    ordered = customers[order]
    is_last = np.append(ordered[1:] != ordered[:-1], True) if len(ordered) else np.zeros(0, dtype=bool)
    return np.asarray(order[is_last], dtype=np.int64)


def indicators(codes: Sequence[str | None], least: int) -> Floats:
    """A column of 0 and 1 per code but the commonest, (n, codes - 1); codes of fewer than `least` rows are one code."""
    if not len(codes):
        return np.zeros((0, 0))
    text = np.array([code or "" for code in codes], dtype=str)
    found, counts = np.unique(text, return_counts=True)
    text = np.where(np.isin(text, found[counts < least]), "\x00", text)
    found, counts = np.unique(text, return_counts=True)
    base = int(np.argmax(counts))
    return np.column_stack(
        [
            np.zeros((len(text), 0)),
            *((text == code).astype(np.float64)[:, None] for n, code in enumerate(found) if n != base),
        ]
    )
