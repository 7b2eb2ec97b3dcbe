"""Gamma-Gamma: its likelihood, its parameters found again, and the values it expects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma as gamma_distribution

from include.customer_value.gamma_gamma import (
    Likelihood,
    correlation,
    expected_value,
    fit_gamma_gamma,
    grouped_values,
    value_gradient,
)
from include.customer_value.maximum_likelihood import Fit
from tests.support.simulated_customers import simulated_values

TRUTH = (2.5, 3.5, 300.0)
FIT = Fit("gamma_gamma", ("p", "q", "gamma"), (2.0, 3.0, 40.0), ((0.0,) * 3,) * 3, 0.0, 1, True)


def sample(seed: int = 4, count: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    days = np.random.default_rng(seed).geometric(0.25, count) + 1
    return days, simulated_values(seed, days, *TRUTH)


def test_likelihood_is_the_mixture_of_gammas() -> None:
    p, q, gamma = 1.7, 2.2, 90.0
    value, _ = Likelihood(grouped_values(np.array([3]), np.array([240.0])), 1.0)(np.log([p, q, gamma]))

    # density of the mean of 3 orders, over all rates
    density, _ = quad(
        lambda rate: (
            gamma_distribution.pdf(80.0, 3 * p, scale=1 / (3 * rate)) * gamma_distribution.pdf(rate, q, scale=1 / gamma)
        ),
        0,
        1,
        limit=200,
    )
    assert value == pytest.approx(np.log(density), rel=1e-6)


def test_gradient_is_that_of_differences() -> None:
    likelihood = Likelihood(grouped_values(*sample(count=400)), 100.0)
    logs = np.log([1.1, 2.0, 0.7])
    _, gradient = likelihood(logs)
    for place in range(3):
        aside = np.zeros(3)
        aside[place] = 1e-6
        slope = (likelihood(logs + aside)[0] - likelihood(logs - aside)[0]) / 2e-6
        assert gradient[place] == pytest.approx(slope, rel=1e-5, abs=1e-9)


def test_parameters_are_found_again() -> None:
    days, total = sample()
    fit = fit_gamma_gamma(grouped_values(days, total))

    assert fit.converged
    assert fit.warnings == ()
    for name, truth in zip(fit.names, TRUTH, strict=True):
        assert abs(fit[name] - truth) < 2 * fit.standard_error(name), name
    # the scale of values is no matter
    times = fit_gamma_gamma(grouped_values(days, total * 1000))
    assert times["gamma"] == pytest.approx(fit["gamma"] * 1000, rel=1e-5)
    assert times.log_likelihood == pytest.approx(fit.log_likelihood - len(days) * np.log(1000), rel=1e-9)


def test_order_of_customers_changes_nothing() -> None:
    days, total = sample(count=500)
    shuffled = np.random.default_rng(1).permutation(500)

    assert fit_gamma_gamma(grouped_values(days, total)) == fit_gamma_gamma(
        grouped_values(days[shuffled], total[shuffled])
    )


def test_expected_value_shrinks_to_the_mean_of_all() -> None:
    days, total = np.array([0, 4, 4000]), np.array([0.0, 200.0, 200_000.0])

    found = expected_value(FIT, days, total)

    # p(gamma + n z)/(p n + q - 1): 80 / 2; 2 (40 + 200) / 10; nearly the own mean of 50
    assert found == pytest.approx([40.0, 48.0, 2 * 200_040 / 8002])
    endless = expected_value(replace(FIT, values=(2.0, 0.5, 40.0)), days, total)
    assert np.isnan(endless[0])
    assert np.isfinite(endless[1:]).all()


def test_gradient_of_the_expected_value() -> None:
    days, total = np.array([1, 4]), np.array([30.0, 200.0])
    found = value_gradient(FIT, days, total)
    for place in range(3):
        beside = [
            replace(FIT, values=tuple(v * np.exp(step) if p == place else v for p, v in enumerate(FIT.values)))
            for step in (1e-5, -1e-5)
        ]
        logs = [np.log(expected_value(one, days, total)) for one in beside]
        assert found[:, place] == pytest.approx((logs[0] - logs[1]) / 2e-5, rel=1e-6, abs=1e-9)


def test_correlation_of_frequency_and_value() -> None:
    days = np.array([1, 2, 3, 4])

    assert correlation(days, np.exp(days.astype(float))) == pytest.approx(1.0)
    assert correlation(days, np.exp([1.0, 2.0, 2.0, 1.0])) == pytest.approx(0.0)
    assert np.isnan(correlation(days, np.ones(4)))
    assert np.isnan(correlation(days[:2], np.ones(2)))
