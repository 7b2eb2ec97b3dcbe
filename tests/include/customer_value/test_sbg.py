"""The shifted-beta-geometric: published values, parameters found again, what it makes of little."""

from __future__ import annotations

import numpy as np
import pytest

from include.customer_value.sbg import Likelihood, decisions_of, decisions_of_cohort, fit_sbg, survival

HIGH_END = np.array([1000, 869, 743, 653, 593, 551, 517, 491])
REGULAR = np.array([1000, 631, 468, 382, 326, 289, 262, 241])


@pytest.mark.parametrize(
    ("alive", "alpha", "beta", "log_likelihood"),
    [(HIGH_END, 0.6681, 3.8061, -1611.16), (REGULAR, 0.7041, 1.1820, -1680.27)],
)
def test_published_values(alive: np.ndarray, alpha: float, beta: float, log_likelihood: float) -> None:
    fit = fit_sbg(decisions_of_cohort(alive))

    assert fit["alpha"] == pytest.approx(alpha, abs=5e-5)
    assert fit["beta"] == pytest.approx(beta, abs=5e-5)
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=5e-3)
    assert fit.converged
    assert fit.warnings == ()


def test_gradient_is_that_of_differences() -> None:
    likelihood = Likelihood(decisions_of_cohort(REGULAR))
    logs = np.log([0.9, 2.0])
    _, gradient = likelihood(logs)
    for place in range(2):
        aside = np.zeros(2)
        aside[place] = 1e-6
        slope = (likelihood(logs + aside)[0] - likelihood(logs - aside)[0]) / 2e-6
        assert gradient[place] == pytest.approx(slope, rel=1e-6)


def test_parameters_are_found_again() -> None:
    rng = np.random.default_rng(8)
    leaving = rng.beta(1.5, 6.0, 20_000)
    lived = rng.geometric(leaving)  # the decision at which it is lost
    watched = rng.integers(1, 9, len(lived))
    last = np.minimum(lived, watched)
    fit = fit_sbg(decisions_of(np.ones(len(lived), np.int64), last, lived <= watched))

    for name, truth in (("alpha", 1.5), ("beta", 6.0)):
        assert abs(fit[name] - truth) < 2 * fit.standard_error(name), name


def test_survival_falls_and_its_rate_of_renewal_rises() -> None:
    alive = survival((0.6681, 3.8061), 10)

    assert alive[0] == 1.0
    # the first renewal: beta / (alpha + beta)
    assert alive[1] == pytest.approx(3.8061 / 4.4742)
    assert (np.diff(alive) < 0).all()
    assert (np.diff(alive[1:] / alive[:-1]) > 0).all()


def test_decisions_are_counted_from_the_first_one_seen() -> None:
    # one renewed twice, one lost at its second decision, one seen from its third on, and renewed
    found = decisions_of(np.array([1, 1, 3]), np.array([2, 2, 3]), np.array([False, True, False]))

    assert found.renewed.tolist() == [2, 1, 1]
    assert found.lost.tolist() == [0, 1, 0]
    assert found.cases == 5


def test_hardly_any_later_loss_gives_one_rate() -> None:
    fit = fit_sbg(decisions_of_cohort(np.array([100, 80, 79])))

    assert fit.warnings == ("one_renewal_rate",)
    alive = survival(fit.values, 3)
    assert alive[1:] / alive[:-1] == pytest.approx([159 / 180] * 3, rel=1e-3)
