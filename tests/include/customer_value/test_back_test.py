"""The back-test of the orders model."""

from __future__ import annotations

import numpy as np
import pytest

from include.customer_value.back_test import back_test, renewal_back_test
from include.customer_value.bg_nbd import fit_bg_nbd, grouped
from include.customer_value.maximum_likelihood import Fit
from include.customer_value.sbg import Decisions, decided_since, decisions_of, fit_sbg

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


def decisions(renewed: list[int], lost: list[int]) -> Decisions:
    return Decisions(np.array(renewed, dtype=np.int64), np.array(lost, dtype=np.int64))


def test_renewals_by_hand() -> None:
    # the chance is 4/5 at the first decision, 5/6 at the second
    fit = Fit("sbg", ("alpha", "beta"), (1.0, 4.0), ((0.0, 0.0), (0.0, 0.0)), 0.0, 10, True)
    found = renewal_back_test(fit, decisions([6], [4]), decisions([14, 5], [6, 1]), 365)

    assert found is not None
    assert (found.days, found.customers, found.predicted, found.actual) == (365, 16, pytest.approx(13 / 16), 13 / 16)
    assert found.error == pytest.approx((8 * 0.2 + 2 * 0.8 + 5 / 6 + 5 / 6) / 16)
    assert found.naive_error == pytest.approx((13 * 0.4 + 3 * 0.6) / 16)
    assert found.brier == pytest.approx((8 * 0.04 + 2 * 0.64 + 5 / 36 + 25 / 36) / 16)
    assert found.naive_brier == pytest.approx(13 / 16 * 3 / 16)
    # of 39 pairs: 16 and 5 are alike, in 10 the renewed had the higher chance
    assert found.auc == pytest.approx((16 / 2 + 5 / 2 + 10) / 39)
    assert found.calibration_error == pytest.approx(0.0, abs=1e-12)
    assert renewal_back_test(fit, decisions([6], [4]), decisions([6], [4]), 365) is None


def test_a_decision_counts_once_and_a_renewal_that_became_a_loss_as_a_loss() -> None:
    since = decided_since(decisions([5, 3, 1], [1, 0, 0]), decisions([7, 2], [1, 1]))

    assert (since.renewed.tolist(), since.lost.tolist()) == ([2, 0], [0, 1])


def test_renewals_to_come_are_foretold_from_those_of_before() -> None:
    rng = np.random.default_rng(3)
    lived = rng.geometric(rng.beta(1.5, 6.0, 20_000))
    known = [decisions_of(np.ones(20_000, np.int64), np.minimum(lived, years), lived <= years) for years in (3, 4)]
    found = renewal_back_test(fit_sbg(known[0]), *known, 365)

    assert found is not None
    assert found.customers == (lived > 3).sum()
    assert found.predicted == pytest.approx(found.actual, abs=0.01)
    # all of them are at their fourth decision: nothing tells them apart, and one rate is as good
    assert found.auc == 0.5
    assert found.brier == pytest.approx(found.naive_brier, rel=0.01)
