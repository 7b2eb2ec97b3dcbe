"""What is expected of orders: how many, of what value, and what that is worth today."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

import numpy as np
import numpy.typing as npt

from include.customer_value.bg_nbd import (
    expected_orders,
    probability_alive,
    probability_of_silence,
    silence_of_alive_gradient,
)
from include.customer_value.gamma_gamma import expected_value, value_gradient
from include.customer_value.maximum_likelihood import Fit, Floats

Ints = npt.NDArray[np.int64]
YEAR_DAYS = 365
YEARS = (1, 2, 3)
QUARTERS = 4
# Normal quantile of a two-sided interval of 95 %.
Z = 1.959964


@dataclass(frozen=True)
class OrderHistories:
    """Customers with at least one order by the cut, one entry each; amounts in the installation's currency.

    Attributes:
        customer: key.
        frequency, recency, age: x, t_x and T in days, of days with an order.
        margin_days, margin_sum: order days with a known margin above zero, and the sum of these.
        revenue_days, revenue_sum: order days of unknown cost with a revenue above zero, and the sum of these.
        margin_total, margin_revenue: margin and revenue of all order days with a known margin, losses included.
        revenue_total: revenue of all order days of unknown cost.
    """

    customer: Ints
    frequency: Ints
    recency: Ints
    age: Ints
    margin_days: Ints
    margin_sum: Floats
    revenue_days: Ints
    revenue_sum: Floats
    margin_total: Floats
    margin_revenue: Floats
    revenue_total: Floats

    def __len__(self) -> int:
        return len(self.customer)


@dataclass(frozen=True)
class Worth:
    """What turns revenue into margin, and values of good days into values of all days.

    Attributes:
        basis: margin, or revenue where no cost is known at all.
        share: margin of revenue, of days with a known margin.
        kept: value of all order days ÷ value of the days of positive value: what refunds and losses leave.
    """

    basis: str
    share: float
    kept: float


def order_worth(histories: OrderHistories, share_elsewhere: float | None) -> Worth:
    """Worth of order days; `share_elsewhere` is the margin share of contracts, for orders without any known cost."""
    revenue, margin = fsum(histories.margin_revenue.tolist()), fsum(histories.margin_total.tolist())
    share = margin / revenue if revenue > 0 else share_elsewhere
    basis = "revenue" if share is None else "margin"
    share = max(1.0 if share is None else share, 0.0)
    everything = margin + share * fsum(histories.revenue_total.tolist())
    good = fsum(histories.margin_sum.tolist()) + share * fsum(histories.revenue_sum.tolist())
    return Worth(basis, share, min(max(everything / good, 0.0), 1.0) if good > 0 else 0.0)


def valued_days(histories: OrderHistories, worth: Worth) -> tuple[Ints, Floats]:
    """Order days of positive value of each customer, and the sum of their values."""
    if worth.share == 0:
        return histories.margin_days, histories.margin_sum
    return histories.margin_days + histories.revenue_days, histories.margin_sum + worth.share * histories.revenue_sum


@dataclass(frozen=True)
class OrderPrediction:
    """One entry per customer of the histories; nan where there is nothing to say.

    Attributes:
        method: bg_nbd or cohort_mean.
        p_alive: P(alive) at the cut.
        orders: order days expected in the next 12 months.
        value: expected of an order day, refunds and losses taken off.
        worth: customers × (12, 24, 36 months), discounted.
        spread: customers × the same: standard error of the logarithm of `worth`.
        silence: probability of no order in the horizon.
    """

    method: str
    p_alive: Floats
    orders: Floats
    value: Floats
    worth: Floats
    spread: Floats
    silence: Floats


def order_values(histories: OrderHistories, worth: Worth, values: Fit | None, cohorts: Ints) -> tuple[Floats, Floats]:
    """Value expected of an order day of each customer, and the standard error of its logarithm.

    Without a Gamma-Gamma it is the mean of the customer's cohort. A customer without a day of positive value has the
    mean of all.
    """
    days, total = valued_days(histories, worth)
    if values is None:
        mean, spread = _cohort_means(total, days, cohorts)
        return mean * worth.kept, spread
    expected = expected_value(values, days, total)
    gradient = value_gradient(values, days, total)
    spread = np.sqrt(np.maximum(np.sum((gradient @ values.sigma) * gradient, axis=1), 0.0))
    overall = float(total.sum() / max(int(days.sum()), 1))
    unknown = (days == 0) | ~np.isfinite(expected)
    return np.where(unknown, overall, expected) * worth.kept, np.where(unknown, 0.0, spread)


def predict_orders(
    histories: OrderHistories,
    orders: Fit,
    value: tuple[Floats, Floats],
    annual_rate: float,
    horizon_days: float,
) -> OrderPrediction:
    """Orders by BG/NBD, each quarter's discounted from its middle; `value` is what `order_values` gives."""
    x, age = histories.frequency, histories.age
    days, weights = discounting(annual_rate)
    expected = expected_orders(orders, x, age, days, weights)
    alive = probability_alive(orders, x, histories.recency, age)
    gradient = silence_of_alive_gradient(orders, x, histories.recency, age)[:, None, :]
    gradient = gradient + expected.gradient / np.maximum(expected.weighted, 1e-300)[:, :, None]
    variance = np.sum((gradient @ orders.sigma) * gradient, axis=2)
    amount, amount_spread = value
    return OrderPrediction(
        method="bg_nbd",
        p_alive=alive,
        orders=alive * expected.orders[:, QUARTERS - 1],
        value=amount,
        worth=alive[:, None] * expected.weighted * amount[:, None],
        spread=np.sqrt(np.maximum(variance, 0.0) + amount_spread[:, None] ** 2),
        silence=probability_of_silence(orders, x, histories.recency, age, horizon_days),
    )


def predict_orders_by_cohort(
    histories: OrderHistories, cohorts: Ints, value: tuple[Floats, Floats], annual_rate: float
) -> OrderPrediction:
    """Where too few buy again: each customer orders as its cohort did, per day since the first order."""
    rate, spread = _cohort_means(histories.frequency.astype(float), histories.age, cohorts)
    days, weights = discounting(annual_rate)
    amount, amount_spread = value
    nothing = np.full(len(histories), np.nan)
    return OrderPrediction(
        method="cohort_mean",
        p_alive=nothing,
        orders=rate * YEAR_DAYS,
        value=amount,
        worth=(rate * amount)[:, None] * (weights @ days)[None, :],
        spread=np.repeat(np.sqrt(spread**2 + amount_spread**2)[:, None], len(YEARS), axis=1),
        silence=nothing,
    )


def discounting(annual_rate: float) -> tuple[Floats, Floats]:
    """Days at which quarters of three years end; and the weights of orders up to these days, 12/24/36 months × days.

    The present value of a quarter's orders, N(t_i) - N(t_(i-1)), is discounted from the middle of the quarter.
    """
    count = QUARTERS * YEARS[-1]
    days = YEAR_DAYS / QUARTERS * np.arange(1, count + 1, dtype=np.float64)
    worth = (1 + annual_rate) ** (-(np.arange(count) + 0.5) / QUARTERS)
    weights = np.zeros((len(YEARS), count))
    for place, years in enumerate(YEARS):
        within = np.where(np.arange(count) < QUARTERS * years, worth, 0.0)
        weights[place] = within - np.append(within[1:], 0.0)
    return days, weights


def _cohort_means(amount: Floats, exposure: Ints, cohorts: Ints) -> tuple[Floats, Floats]:
    """Sum of amounts ÷ sum of exposures by cohort (of all, where a cohort has no exposure), for each customer.

    The spread is that of a count as large as the number of amounts above zero: 1/sqrt(n).
    """
    numbers = np.unique(cohorts, return_inverse=True)[1]
    amounts, exposures = np.bincount(numbers, amount), np.bincount(numbers, exposure)
    seen = np.bincount(numbers, amount > 0)
    overall = amount.sum() / exposure.sum() if exposure.sum() else 0.0
    empty = exposures == 0
    means: Floats = np.where(empty, overall, amounts / np.where(empty, 1, exposures)).astype(np.float64)
    counts = np.where(empty, seen.sum(), seen)
    return means[numbers], (1 / np.sqrt(np.maximum(counts, 1)))[numbers]
