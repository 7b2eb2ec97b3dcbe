"""Orders as BG/NBD has them: how many, and whether the customer still buys (Fader, Hardie and Lee 2005).

While alive a customer orders at a rate of its own, gamma distributed (r, alpha in days); after each order it leaves
with a probability of its own, beta distributed (a, b). A customer is known by x, the days with an order after the first
one, t_x, the days from the first order to the last, and T, the days from the first order to the cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, expit, gammaln

from include.customer_value.maximum_likelihood import Fit, Floats, maximise

Ints = npt.NDArray[np.int64]
NAMES = ("r", "alpha", "a", "b")
# Nodes of the quadrature over the probability of leaving: twelve digits where rates are usual.
NODES = 20
# A mean probability of leaving below this can't be told from none.
NO_LOSS = 1e-4
_AT_A_TIME = 4096


@dataclass(frozen=True)
class Groups:
    """Customers with equal histories: x, t_x and T in days, and how many there are. In ascending order."""

    frequency: Ints
    recency: Ints
    age: Ints
    count: Ints


def grouped(frequency: Ints, recency: Ints, age: Ints) -> Groups:
    """Count equal histories; each array has one entry per customer, in any order."""
    reach = int(age.max(initial=0)) + 1
    codes, counts = np.unique((frequency.astype(np.int64) * reach + recency) * reach + age, return_counts=True)
    rest, ages = np.divmod(codes, reach)
    frequencies, recencies = np.divmod(rest, reach)
    return Groups(frequencies, recencies, ages, counts.astype(np.int64))


class Likelihood:
    """Mean log-likelihood and gradient over grouped counts; special functions are worked out once per distinct x."""

    def __init__(self, groups: Groups, unit: float) -> None:
        """`unit`: the days that count as 1, so that parameters are of usual size."""
        self.cases = int(groups.count.sum())
        self._weight = groups.count / self.cases
        self._x, self._of_x = np.unique(groups.frequency, return_inverse=True)
        self._x_weight = np.bincount(self._of_x, self._weight)
        self._age, self._of_age = np.unique(groups.age / unit, return_inverse=True)
        self._last, self._of_last = np.unique(groups.recency / unit, return_inverse=True)
        self._is_repeat = groups.frequency > 0
        self._repeats = np.flatnonzero(self._is_repeat)

    def __call__(self, logs: Floats) -> tuple[float, Floats]:
        """The mean log-likelihood at these logarithms of (r, alpha, a, b), and its gradient."""
        r, alpha, a, b = np.exp(logs)
        x, weight = self._x, self._x_weight
        log_age, log_last = np.log(alpha + self._age), np.log(alpha + self._last)
        of_x = gammaln(r + x) - gammaln(r) + r * logs[1] + gammaln(b + x) - gammaln(a + b + x)
        of_x += gammaln(a + b) - gammaln(b)
        age_log = log_age[self._of_age]
        exponent = r + x[self._of_x]
        value = weight @ of_x - np.sum(self._weight * exponent * age_log)

        rep = self._repeats
        past = b + x[self._of_x[rep]] - 1
        ratio = age_log[rep] - log_last[self._of_last[rep]]
        odds = logs[2] - np.log(past) + exponent[rep] * ratio
        value += np.sum(self._weight[rep] * np.logaddexp(0, odds))
        gone = self._weight[rep] * expit(odds)

        total = digamma(a + b) - digamma(a + b + x)
        ages = 1 / (alpha + self._age)
        lasts = 1 / (alpha + self._last)
        of_r = weight @ (digamma(r + x) - digamma(r)) + logs[1] - np.sum(self._weight * age_log) + np.sum(gone * ratio)
        of_alpha = r / alpha - np.sum(self._weight * exponent * ages[self._of_age])
        of_alpha += np.sum(gone * exponent[rep] * (ages[self._of_age[rep]] - lasts[self._of_last[rep]]))
        of_a = weight @ total + np.sum(gone) / a
        of_b = weight @ (total + digamma(b + x) - digamma(b)) - np.sum(gone / past)
        return float(value), np.array([of_r * r, of_alpha * alpha, of_a * a, of_b * b])


def fit_bg_nbd(groups: Groups) -> Fit:
    """Fit r, alpha (days), a and b by maximum likelihood on grouped counts.

    Where nobody seems to leave, a and b run to their bounds: the fit holds as one of steady customers, and `no_loss`
    says so.
    """
    unit = max(float(np.average(groups.age, weights=groups.count)), 1.0)
    likelihood = Likelihood(groups, unit)
    repeats = float(np.sum(groups.count * groups.frequency)) / likelihood.cases
    # the rate of the mean customer, who leaves after one order of five
    begin = np.array([0.0, -np.log(max(repeats, 0.05)), -1.5, 0.0])
    constant = -float(np.sum(groups.count * groups.frequency)) * np.log(unit)
    scale = np.array([1.0, unit, 1.0, 1.0])
    fit = maximise("bg_nbd", NAMES, likelihood, [begin], likelihood.cases, scale, constant)
    if fit["a"] / (fit["a"] + fit["b"]) > NO_LOSS:
        return fit
    told = [code for code in fit.warnings if code not in ("a_at_bound", "b_at_bound", "flat_likelihood")]
    return replace(fit, warnings=("no_loss", *told))


def gone_odds(fit: Fit, frequency: Ints, recency: Ints, age: Ints) -> Floats:
    """Log odds that a customer has left; minus infinity for one-time buyers, who can't have."""
    r, alpha, a, b = fit.values
    odds = np.log(a) - np.log(b + np.maximum(frequency, 1) - 1)
    odds = odds + (r + frequency) * np.log((alpha + age) / (alpha + recency))
    return np.where(frequency > 0, odds, -np.inf)


def probability_alive(fit: Fit, frequency: Ints, recency: Ints, age: Ints) -> Floats:
    """P(alive) at the cut. It is 1 for every one-time buyer, however long ago: see `probability_of_silence`."""
    return np.asarray(expit(-gone_odds(fit, frequency, recency, age)))


def probability_of_silence(fit: Fit, frequency: Ints, recency: Ints, age: Ints, days: float) -> Floats:
    """Probability of no order within H days after the cut: 1 - P(alive)[1 - ((alpha+T)/(alpha+T+H))^(r+x)]."""
    r, alpha, _, _ = fit.values
    orders = -np.expm1((r + frequency) * np.log((alpha + age) / (alpha + age + days)))
    return 1 - probability_alive(fit, frequency, recency, age) * orders


def silence_of_alive_gradient(fit: Fit, frequency: Ints, recency: Ints, age: Ints) -> Floats:
    """Derivatives of ln P(alive) by the logarithms of (r, alpha, a, b): customers × 4."""
    r, alpha, _, b = fit.values
    gone = expit(gone_odds(fit, frequency, recency, age))
    ratio = np.log((alpha + age) / (alpha + recency))
    of_alpha = (r + frequency) * (1 / (alpha + age) - 1 / (alpha + recency)) * alpha
    of_b = -b / (b + np.maximum(frequency, 1) - 1)
    return -gone[:, None] * np.stack([ratio * r, of_alpha, np.ones(len(frequency)), of_b], axis=1)


@dataclass(frozen=True)
class Expected:
    """Orders expected of a customer who is alive.

    Attributes:
        orders: customers × days given, undiscounted, up to each of them.
        weighted: customers × weightings: sums over the days of weight × orders.
        gradient: customers × weightings × 4, of the weighted sums by the logarithms of (r, alpha, a, b).
    """

    orders: Floats
    weighted: Floats
    gradient: Floats


def expected_orders(fit: Fit, frequency: Ints, age: Ints, days: Floats, weights: Floats) -> Expected:
    """Orders expected of customers who are alive at the cut, within each number of days after it.

    The expectation is that of (1 - ((alpha+T)/(alpha+T+p t))^(r+x)) / p over p ~ beta(a, b+x), by Gauss-Jacobi
    quadrature; it equals the formula with 2F1 of Fader, Hardie and Lee, and holds where that one has a pole (a = 1).

    Args:
        fit: of BG/NBD.
        frequency, age: x and T of each customer; equal ones are worked out once.
        days: ascending, after the cut.
        weights: weightings × days.
    """
    reach = int(age.max(initial=0)) + 1
    codes, inverse = np.unique(frequency * reach + age, return_inverse=True)
    x, until = np.divmod(codes, reach)
    parts = [
        _expected_of(fit, x[start : start + _AT_A_TIME], until[start : start + _AT_A_TIME], days, weights)
        for start in range(0, max(len(codes), 1), _AT_A_TIME)
    ]
    orders, weighted, gradient = (np.concatenate(part)[inverse] for part in zip(*parts, strict=True))
    return Expected(orders, weighted, gradient)


def _expected_of(fit: Fit, x: Ints, age: Ints, days: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    r, alpha, a, b = fit.values
    kinds, of_kind = np.unique(x, return_inverse=True)
    nodes, node_weights = _beta_nodes(a, b + kinds.astype(np.float64))
    p, w = nodes[of_kind], node_weights[of_kind]
    power, span = (r + x)[:, None, None], (alpha + age)[:, None, None]
    growth = p[:, :, None] * days / span
    log_growth = np.log1p(growth)
    silent = np.exp(-power * log_growth)
    each = (1 - silent) / p[:, :, None]
    orders = np.einsum("gj,gjs->gs", w, each)

    summed = each @ weights.T
    of_r = (log_growth * silent) @ weights.T / p[:, :, None]
    of_alpha = -(silent / (1 + growth) * (power * days / span**2)) @ weights.T
    # the scores of a beta have mean 0; without the value at p = 0 the logarithm's pole weighs nothing
    beyond = summed - ((power * days / span) @ weights.T)
    total = digamma(a + b + x)[:, None]
    scores = np.stack([np.log(p) - digamma(a) + total, np.log1p(-p) - digamma(b + x)[:, None] + total], axis=2)
    of_shape = np.einsum("gj,gjh,gjk->ghk", w, beyond, scores)
    gradient = np.stack(
        [
            np.einsum("gj,gjh->gh", w, of_r) * r,
            np.einsum("gj,gjh->gh", w, of_alpha) * alpha,
            of_shape[:, :, 0] * a,
            of_shape[:, :, 1] * b,
        ],
        axis=2,
    )
    return orders, np.einsum("gj,gjh->gh", w, summed), gradient


def _beta_nodes(a: float, b: Floats) -> tuple[Floats, Floats]:
    """Gauss-Jacobi nodes and weights (sum 1) for beta(a, b), one row per b (Golub and Welsch 1969)."""
    # Jacobi's weight (1 - u)^c (1 + u)^d with p = (1 + u) / 2
    c, d = (b - 1)[:, None], a - 1
    k = np.arange(NODES, dtype=float)[None, :]
    total = 2 * k + c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        diagonal = (d**2 - c**2) / (total * (total + 2))
        square = 4 * k * (k + c) * (k + d) * (k + c + d) / (total**2 * (total + 1) * (total - 1))
    diagonal[:, 0] = ((d - c) / (c + d + 2))[:, 0]
    square[:, 1] = (4 * (1 + c) * (1 + d) / ((2 + c + d) ** 2 * (3 + c + d)))[:, 0]
    matrix = np.zeros((len(b), NODES, NODES))
    place = np.arange(NODES)
    matrix[:, place, place] = diagonal
    matrix[:, place[1:], place[:-1]] = np.sqrt(square[:, 1:])
    size, direction = np.linalg.eigh(matrix)
    return np.clip((1 + size) / 2, 1e-15, 1 - 1e-15), direction[:, 0, :] ** 2
