"""Was an earlier cut right? Its model against the orders that came afterwards, and a naive rule beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from include.customer_value.bg_nbd import expected_orders, probability_alive, probability_of_silence
from include.customer_value.forecast_scores import auc, brier, calibration_bins, calibration_error
from include.customer_value.maximum_likelihood import Fit, Floats
from include.customer_value.sbg import Decisions, decided_since, survival

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BackTest:
    """What was predicted at a cut, held against what came within some days.

    Attributes:
        days, customers: length of the hold-out, customers known at its beginning.
        predicted, actual: mean number of order days in it.
        error, naive_error: mean absolute error per customer; of the model, and of the rate of all customers until then.
        auc: of the probability to order again. .5 is chance.
        brier, naive_brier: mean squared error of that probability; of the model, and of the share of those who did
            order again, which nobody knew beforehand: the best that one number for all can do.
        calibration_error: mean distance of predicted and observed share, over tenths of the customers.
    """

    days: int
    customers: int
    predicted: float
    actual: float
    error: float
    naive_error: float
    auc: float
    brier: float
    naive_brier: float
    calibration_error: float


def back_test(fit: Fit, frequency: Ints, recency: Ints, age: Ints, came: Ints, days: int) -> BackTest:
    """Hold the model of an earlier cut against the `came` order days of its customers in the `days` after it."""
    ends = np.array([float(days)])
    expected = expected_orders(fit, frequency, age, ends, np.ones((1, 1))).orders[:, 0]
    predicted = probability_alive(fit, frequency, recency, age) * expected
    again = 1 - probability_of_silence(fit, frequency, recency, age, days)
    happened = came > 0
    rate = frequency.sum() / max(int(age.sum()), 1) * days
    return BackTest(
        days=days,
        customers=len(came),
        predicted=float(predicted.mean()),
        actual=float(came.mean()),
        error=float(np.abs(predicted - came).mean()),
        naive_error=float(np.abs(rate - came).mean()),
        **_of_chances(again, happened),
    )


def renewal_back_test(fit: Fit, before: Decisions, now: Decisions, days: int) -> BackTest | None:
    """Hold the renewal model of an earlier cut against what was decided in the `days` after it; None if nothing was.

    In place of customers stand decisions, of order days renewals; `naive_error` is that of the share renewed before.
    """
    since = decided_since(before, now)
    if not since.cases:
        return None
    alive = survival(fit.values, len(since.renewed))
    chance = alive[1:] / alive[:-1]
    forecast = np.concatenate([np.repeat(chance, since.renewed), np.repeat(chance, since.lost)])
    renewed = np.arange(since.cases) < since.renewed.sum()
    rate = before.renewed.sum() / max(before.cases, 1)
    return BackTest(
        days=days,
        customers=since.cases,
        predicted=float(forecast.mean()),
        actual=float(renewed.mean()),
        error=float(np.abs(forecast - renewed).mean()),
        naive_error=float(np.abs(rate - renewed).mean()),
        **_of_chances(forecast, renewed),
    )


def _of_chances(forecast: Floats, happened: npt.NDArray[np.bool_]) -> dict[str, float]:
    """The scores of probabilities beside what happened."""
    return {
        "auc": auc(forecast, happened),
        "brier": brier(forecast, happened),
        "naive_brier": brier(np.full(len(happened), happened.mean()), happened),
        "calibration_error": calibration_error(calibration_bins(forecast, happened)),
    }
