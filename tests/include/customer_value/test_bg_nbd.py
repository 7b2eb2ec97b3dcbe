"""BG/NBD: its likelihood, its parameters found again, and what it expects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import betaln, gammaln, hyp2f1

from include.customer_value.bg_nbd import (
    Likelihood,
    expected_orders,
    fit_bg_nbd,
    grouped,
    probability_alive,
    probability_of_silence,
    silence_of_alive_gradient,
)
from include.customer_value.maximum_likelihood import Fit
from tests.support.simulated_customers import simulated_orders

TRUTH = (0.8, 60.0, 0.7, 2.5)
FIT = Fit("bg_nbd", ("r", "alpha", "a", "b"), TRUTH, ((0.0,) * 4,) * 4, 0.0, 1, True)
X = np.array([0, 0, 1, 3, 20, 40])
LAST = np.array([0, 0, 20, 100, 690, 500])
AGE = np.array([0, 500, 30, 300, 700, 1000])


def textbook(logs: np.ndarray, x: np.ndarray, last: np.ndarray, age: np.ndarray) -> float:
    """The log-likelihood as Fader, Hardie and Lee write it (2005, equation 6), customer by customer."""
    r, alpha, a, b = np.exp(logs)
    total = 0.0
    for one, t_x, t in zip(x, last, age, strict=True):
        share = gammaln(r + one) - gammaln(r) + r * np.log(alpha)
        stayed = betaln(a, b + one) - betaln(a, b) - (r + one) * np.log(alpha + t)
        gone = betaln(a + 1, b + one - 1) - betaln(a, b) - (r + one) * np.log(alpha + t_x) if one else -np.inf
        total += share + np.logaddexp(stayed, gone)
    return float(total)


def test_likelihood_is_that_of_the_textbook_and_its_gradient_that_of_differences() -> None:
    x, last, age = simulated_orders(3, 300, *TRUTH, 900)
    likelihood = Likelihood(grouped(x, last, age), 1.0)
    logs = np.log([0.5, 40.0, 1.3, 0.9])

    value, gradient = likelihood(logs)

    assert value * 300 == pytest.approx(textbook(logs, x, last, age), rel=1e-12)
    for place in range(4):
        aside = np.zeros(4)
        aside[place] = 1e-6
        slope = (likelihood(logs + aside)[0] - likelihood(logs - aside)[0]) / 2e-6
        assert gradient[place] == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_parameters_are_found_again() -> None:
    fit = fit_bg_nbd(grouped(*simulated_orders(11, 20_000, *TRUTH, 1000)))

    assert fit.converged
    assert fit.warnings == ()
    for name, truth in zip(fit.names, TRUTH, strict=True):
        assert abs(fit[name] - truth) < 2 * fit.standard_error(name), name
        assert fit.standard_error(name) < 0.1 * truth
    assert fit.log_likelihood == pytest.approx(
        textbook(fit.logarithms, *simulated_orders(11, 20_000, *TRUTH, 1000)), rel=1e-9
    )


def test_customers_who_never_leave_are_told() -> None:
    rng = np.random.default_rng(5)
    age = rng.integers(100, 700, 3000)
    times = np.sort(rng.random((3000, 60)), axis=1) * age[:, None]
    counts = rng.poisson(rng.gamma(1.2, 1 / 150, 3000) * age).clip(max=60)
    last = np.where(counts > 0, np.floor(times[np.arange(3000), 59]), 0).astype(np.int64)
    fit = fit_bg_nbd(grouped(counts, last, age))

    assert fit.warnings == ("no_loss",)
    assert fit["r"] == pytest.approx(1.2, abs=3 * fit.standard_error("r"))
    assert probability_alive(fit, counts, last, age).min() > 0.99


def test_order_of_customers_and_repetition_change_nothing() -> None:
    x, last, age = simulated_orders(7, 2000, *TRUTH, 700)
    shuffled = np.random.default_rng(1).permutation(2000)

    assert fit_bg_nbd(grouped(x, last, age)) == fit_bg_nbd(grouped(x[shuffled], last[shuffled], age[shuffled]))


def test_expected_orders_are_those_of_the_formula() -> None:
    days = np.array([30.0, 365.0, 730.0, 1095.0])
    found = expected_orders(FIT, X, AGE, days, np.eye(4)).orders

    r, alpha, a, b = TRUTH
    x, span = X[:, None], (alpha + AGE)[:, None]
    formula = (
        (a + b + x - 1)
        / (a - 1)
        * (1 - (span / (span + days)) ** (r + x) * hyp2f1(r + x, b + x, a + b + x - 1, days / (span + days)))
    )
    assert found == pytest.approx(formula, rel=1e-6)
    # where the formula has a pole
    at_pole = replace(FIT, values=(0.8, 60.0, 1.0, 2.5))
    beside = replace(FIT, values=(0.8, 60.0, 1.0 + 1e-7, 2.5))
    pole, near = (expected_orders(one, X, AGE, days, np.eye(4)).orders for one in (at_pole, beside))
    assert pole == pytest.approx(near, rel=1e-5)


def test_gradients_of_what_is_expected() -> None:
    days = np.array([365.0, 1095.0])
    weights = np.array([[1.0, 0.0], [0.5, 0.5]])
    found = expected_orders(FIT, X, AGE, days, weights)
    of_alive = silence_of_alive_gradient(FIT, X, LAST, AGE)
    for place in range(4):
        beside = [
            replace(FIT, values=tuple(v * np.exp(step) if p == place else v for p, v in enumerate(TRUTH)))
            for step in (1e-4, -1e-4)
        ]
        weighted = [expected_orders(one, X, AGE, days, weights).weighted for one in beside]
        slope = (weighted[0] - weighted[1]) / 2e-4
        assert found.gradient[:, :, place] == pytest.approx(slope, rel=5e-3, abs=1e-6)
        alive = [np.log(probability_alive(one, X, LAST, AGE)) for one in beside]
        assert of_alive[:, place] == pytest.approx((alive[0] - alive[1]) / 2e-4, rel=1e-5, abs=1e-9)


def test_one_time_buyers_are_alive_and_churn_nevertheless() -> None:
    one_time = (np.array([0, 0]), np.array([0, 0]), np.array([265, 3000]))
    fit = replace(FIT, values=(1.0, 100.0, 0.7, 2.5))

    assert probability_alive(fit, *one_time).tolist() == [1.0, 1.0]
    # 1 - 1 * (1 - (100 + 265) / (100 + 265 + 365)) = .5; the other: 3100 / 3465
    assert probability_of_silence(fit, *one_time, 365) == pytest.approx([0.5, 3100 / 3465])


def test_a_repeat_buyer_is_silent_if_gone_or_merely_waiting() -> None:
    fit = replace(FIT, values=(1.0, 100.0, 0.5, 2.0))
    silent = probability_of_silence(fit, np.array([1]), np.array([200]), np.array([200]), 300)

    # P(alive) = 1 / (1 + .5 / 2) = .8; an order in 300 days, if alive: 1 - (300 / 600)^2 = .75
    assert silent == pytest.approx([1 - 0.8 * 0.75])


def test_who_has_been_silent_for_long_is_less_likely_to_be_alive() -> None:
    alive = probability_alive(FIT, np.array([10, 10, 10]), np.array([100, 400, 700]), np.array([700, 700, 700]))

    assert (np.diff(alive) > 0).all()
    # by hand, t_x = T: 1 / (1 + a / (b + x - 1))
    assert alive[-1] == pytest.approx(1 / (1 + 0.7 / 11.5))
