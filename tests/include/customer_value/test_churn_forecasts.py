"""Scores of forecasts by hand, and the windows that keep the future out."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from include.customer_value.churn_windows import fit_dates, month_ends, windows_before
from include.customer_value.forecast_scores import (
    auc,
    brier,
    brier_gain_interval,
    calibration_bins,
    calibration_error,
    lift_of_top_decile,
)

P = np.array([0.1, 0.4, 0.35, 0.8])
Y = np.array([False, False, True, True])


def test_auc_and_brier_by_hand() -> None:
    # pairs (lost, kept): .35 > .1 and .8 > both; .35 < .4: 3 of 4
    assert auc(P, Y) == 0.75
    assert brier(P, Y) == pytest.approx((0.01 + 0.16 + 0.4225 + 0.04) / 4)


def test_ties_count_half_and_one_outcome_has_no_auc() -> None:
    assert auc(np.array([0.5, 0.5, 0.5]), np.array([True, False, False])) == 0.5
    assert np.isnan(auc(P, np.zeros(4, dtype=bool)))


def test_lift_of_the_top_tenth_by_hand() -> None:
    probability = np.linspace(0.01, 0.2, 20)
    happened = np.zeros(20, dtype=bool)
    happened[[19, 18, 0, 1]] = True
    # both of the top two, against 4 of 20
    assert lift_of_top_decile(probability, happened) == pytest.approx(5.0)
    assert lift_of_top_decile(np.full(20, 0.2), happened) == pytest.approx(1.0)


def test_bins_never_part_equal_forecasts_and_hold_every_row() -> None:
    probability = np.array([0.1] * 50 + [0.3] * 30 + [0.9] * 20)
    happened = np.array([True] * 5 + [False] * 45 + [True] * 15 + [False] * 15 + [True] * 20)
    bins = calibration_bins(probability, happened)
    assert [(one.predicted, one.observed, one.rows) for one in bins] == [
        (pytest.approx(0.1), 0.1, 50),
        (pytest.approx(0.3), 0.5, 30),
        (pytest.approx(0.9), 1.0, 20),
    ]
    assert calibration_error(bins) == pytest.approx((30 * 0.2 + 20 * 0.1) / 100)


def test_the_gain_of_one_customer_seen_often_is_no_surer() -> None:
    rng = np.random.default_rng(1)
    probability = rng.uniform(0.05, 0.6, 400)
    happened = rng.random(400) < probability
    naive, customers = float(np.mean(happened)), np.arange(400)
    mean, low, high = brier_gain_interval(probability, naive, happened, customers)
    assert mean == pytest.approx(brier(np.full(400, naive), happened) - brier(probability, happened))
    assert low < mean < high

    def five_times(values: np.ndarray) -> np.ndarray:
        return np.repeat(values, 5)

    again = brier_gain_interval(five_times(probability), naive, five_times(happened), five_times(customers))
    assert again == pytest.approx((mean, low, high))


ENDS = month_ends([date(2023, 1, 1) + timedelta(days=n) for n in range(1277)])  # to 2026-06-30


def test_slices_end_before_the_next_begins() -> None:
    windows = windows_before(date(2026, 6, 30), ENDS, horizon_days=90, grace_days=30)
    assert windows.test == (date(2025, 11, 30), date(2026, 2, 28))
    assert windows.calibration == (date(2025, 4, 30), date(2025, 7, 31))
    assert windows.training[-1] == date(2024, 12, 31)
    known = timedelta(days=120)
    assert windows.test[-1] + known <= date(2026, 6, 30)
    assert windows.calibration[-1] + known <= windows.test[0]
    assert windows.training[-1] + known <= windows.calibration[0]
    for slice_ in (windows.training, windows.calibration, windows.test):
        assert all(later - earlier >= timedelta(days=90) for earlier, later in pairwise(slice_))
    assert len(windows.training) == 8


def test_too_short_a_history_has_no_whole_windows() -> None:
    assert not windows_before(date(2026, 6, 30), ENDS[-8:], 90, 30).is_whole
    assert not windows_before(date(2026, 6, 30), [], 90, 30).is_whole


def test_models_are_fitted_at_half_years() -> None:
    assert fit_dates(ENDS, 6)[-2:] == [date(2025, 12, 31), date(2026, 6, 30)]
    assert month_ends([date(2024, 2, 28), date(2024, 2, 29)]) == [date(2024, 2, 29)]
