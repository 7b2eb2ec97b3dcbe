"""The value of a customer's orders as Gamma-Gamma has it (Fader, Hardie and Lee 2005; Fader and Hardie 2013).

Values of one customer are gamma distributed around a mean of its own, and means differ between customers: z ~ gamma(p,
v), v ~ gamma(q, gamma). A customer is known by n, its order days of positive value, and their mean value. How often
somebody orders must say nothing about how much: `correlation` is the check.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln

from include.customer_value.maximum_likelihood import Fit, Floats, maximise

Ints = npt.NDArray[np.int64]
NAMES = ("p", "q", "gamma")


@dataclass(frozen=True)
class Values:
    """Customers with the same number of valued days and the same sum of values, and how many; in ascending order."""

    days: Ints
    total: Floats
    count: Ints


def grouped_values(days: Ints, total: Floats) -> Values:
    """Count equal ones; each array has one entry per customer, in any order; sums are above zero."""
    order = np.lexsort((total, days))
    days, total = days[order], total[order]
    begins = np.flatnonzero(np.append(True, (np.diff(days) != 0) | (np.diff(total) != 0))) if len(days) else days
    counts = np.diff(np.append(begins, len(days)))
    return Values(days[begins], total[begins], counts.astype(np.int64))


class Likelihood:
    """Mean log-likelihood and gradient; special functions are worked out once per distinct number of days."""

    def __init__(self, values: Values, unit: float) -> None:
        """`unit`: the value that counts as 1."""
        self.cases = int(values.count.sum())
        self._weight = values.count / self.cases
        self._n, self._of_n = np.unique(values.days, return_inverse=True)
        self._n_weight = np.bincount(self._of_n, self._weight)
        self._total = values.total / unit
        log_mean = np.log(self._total / values.days)
        self._mean_log = float(np.sum(self._weight * log_mean))
        self._log_sums = float(np.sum(self._weight * values.days * np.log(self._total)))

    def __call__(self, logs: Floats) -> tuple[float, Floats]:
        """The mean log-likelihood at these logarithms of (p, q, gamma), and its gradient."""
        p, q, gamma = np.exp(logs)
        n, weight = self._n, self._n_weight
        log_sum = np.log(gamma + self._total)
        power = p * n + q
        value = weight @ (gammaln(power) - gammaln(p * n)) - gammaln(q) + q * logs[2]
        value += p * self._log_sums - self._mean_log - np.sum(self._weight * power[self._of_n] * log_sum)
        weighted = self._weight * log_sum
        days = n[self._of_n]
        of_p = weight @ (n * (digamma(power) - digamma(p * n))) + self._log_sums - np.sum(weighted * days)
        of_q = weight @ digamma(power) - digamma(q) + logs[2] - np.sum(weighted)
        of_gamma = q / gamma - np.sum(self._weight * power[self._of_n] / (gamma + self._total))
        return float(value), np.array([of_p * p, of_q * q, of_gamma * gamma])


def fit_gamma_gamma(values: Values) -> Fit:
    """Fit p, q and gamma (in units of value) by maximum likelihood on repeat buyers.

    `q_at_bound` says that customers do not differ in the value of their orders.
    """
    unit = float(np.sum(values.total * values.count) / np.sum(values.days * values.count))
    likelihood = Likelihood(values, unit)
    begin = np.array([0.5, 1.2, 0.5])
    constant = -likelihood.cases * np.log(unit)
    return maximise(
        "gamma_gamma", NAMES, likelihood, [begin], likelihood.cases, np.array([1.0, 1.0, unit]), float(constant)
    )


def expected_value(fit: Fit, days: Ints, total: Floats) -> Floats:
    """Value expected of an order of each customer, p(gamma + n·z)/(p·n + q - 1); nan where that has no mean."""
    p, q, gamma = fit.values
    power = p * days + q - 1
    return np.where(power > 0, p * (gamma + total) / np.where(power > 0, power, 1.0), np.nan)


def value_gradient(fit: Fit, days: Ints, total: Floats) -> Floats:
    """Derivatives of the logarithm of the expected value by the logarithms of (p, q, gamma): customers × 3."""
    p, q, gamma = fit.values
    power = p * days + q - 1
    power = np.where(power > 0, power, np.nan)
    return np.stack([1 - p * days / power, -q / power, gamma / (gamma + total)], axis=1)


def correlation(frequency: Ints, mean_value: Floats) -> float:
    """Pearson's correlation of frequency and the logarithm of the mean value; nan where one of them is constant."""
    if len(frequency) < 3 or np.ptp(frequency) == 0 or np.ptp(mean_value) == 0:
        return float("nan")
    return float(np.corrcoef(frequency, np.log(mean_value))[0, 1])
