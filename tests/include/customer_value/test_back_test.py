"""The back-test of the orders model."""

from __future__ import annotations

import numpy as np
import pytest

from include.customer_value.back_test import back_test
from include.customer_value.bg_nbd import fit_bg_nbd, grouped

TRUTH = (0.8, 60.0, 0.7, 2.5)


def held_out(shuffled: bool) -> tuple[float, ...]:
    """What a model of 400 days foretells of the 365 after them."""
    rng = np.random.default_rng(21)
    count = 8000
    rate, leaving = rng.gamma(0.8, 1 / 60.0, count), rng.beta(0.7, 2.5, count)
    age = rng.integers(60, 400, count)
    counts, last, came, time = (np.zeros(count) for _ in range(4))
    alive = np.ones(count, bool)
    while alive.any():
        time = np.where(alive, time + rng.exponential(1 / rate), time)
        before, after = alive & (time <= age), alive & (time > age) & (time <= age + 365)
        counts, came = counts + before, came + after
        last = np.where(before, time, last)
        alive = (before | after) & (rng.random(count) > leaving)
    x, t_x = counts.astype(np.int64), np.floor(last).astype(np.int64)
    if shuffled:
        came = rng.permutation(came)
    found = back_test(fit_bg_nbd(grouped(x, t_x, age)), x, t_x, age, came.astype(np.int64), 365)
    assert found.customers == count
    return found.predicted, found.actual, found.error, found.naive_error, found.auc, found.brier, found.naive_brier


def test_a_model_of_what_happens_beats_the_naive_rule() -> None:
    predicted, actual, error, naive_error, area, brier, naive_brier = held_out(shuffled=False)

    assert predicted == pytest.approx(actual, rel=0.08)
    assert error < 0.8 * naive_error
    assert brier < 0.9 * naive_brier
    assert area > 0.7


def test_a_shuffled_future_is_not_foretold() -> None:
    *_, area, brier, naive_brier = held_out(shuffled=True)

    assert area == pytest.approx(0.5, abs=0.02)
    assert brier > naive_brier
