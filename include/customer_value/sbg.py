"""Renewals as the shifted-beta-geometric has them (Fader and Hardie 2007).

A customer lets a contract lapse at each decision with a probability of its own, beta distributed (alpha, beta). Who has
renewed often is likelier to renew again, as those who were likely to leave are gone. Decisions are numbered from 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

from include.customer_value.digits import rounded
from include.customer_value.maximum_likelihood import HIGHEST, Fit, Floats, maximise

Ints = npt.NDArray[np.int64]
NAMES = ("alpha", "beta")
# Fewer losses after a first renewal don't tell how customers differ: the likelihood is then flat, or runs to a bound.
FEWEST_LATER_LOSSES = 5


@dataclass(frozen=True)
class Decisions:
    """Contracts that came to decision number 1, 2, …, of which so many were renewed and so many lost."""

    renewed: Ints
    lost: Ints

    @property
    def cases(self) -> int:
        """All decisions."""
        return int(self.renewed.sum() + self.lost.sum())


def decisions_of(first: Ints, last: Ints, is_lost: npt.NDArray[np.bool_]) -> Decisions:
    """Count decisions: each contract came to those from `first` to `last`; all were renewals, but the last if lost."""
    reach = int(last.max(initial=0)) + 2
    came = np.cumsum(np.bincount(first, minlength=reach) - np.bincount(last + 1, minlength=reach + 1)[:reach])
    lost = np.bincount(last[is_lost], minlength=reach)
    return Decisions((came - lost)[1:-1].astype(np.int64), lost[1:-1].astype(np.int64))


def decisions_of_cohort(alive: Ints) -> Decisions:
    """Decisions of a cohort of which so many were alive at the beginning and after each term."""
    return Decisions(np.asarray(alive[1:]), np.asarray(alive[:-1]) - np.asarray(alive[1:]))


def decided_since(before: Decisions, now: Decisions) -> Decisions:
    """Decisions that were known now and not before; a loss that was taken for a renewal before is one since."""

    def since(name: str) -> Ints:
        late = getattr(now, name).copy()
        early = getattr(before, name)[: len(late)]
        late[: len(early)] -= early
        return np.maximum(late, 0)

    return Decisions(since("renewed"), since("lost"))


class Likelihood:
    """Mean log-likelihood per decision and its gradient."""

    def __init__(self, decisions: Decisions) -> None:
        self.cases = decisions.cases
        self._before = np.arange(len(decisions.renewed), dtype=float)
        self._renewed = decisions.renewed / self.cases
        self._lost = decisions.lost / self.cases

    def __call__(self, logs: Floats) -> tuple[float, Floats]:
        """At these logarithms of (alpha, beta): renewal at decision t has probability (beta+t-1)/(alpha+beta+t-1)."""
        alpha, beta = np.exp(logs)
        total = alpha + beta + self._before
        both = self._renewed + self._lost
        value = self._renewed @ np.log(beta + self._before) + self._lost.sum() * logs[0] - both @ np.log(total)
        of_alpha = self._lost.sum() / alpha - both @ (1 / total)
        of_beta = self._renewed @ (1 / (beta + self._before)) - both @ (1 / total)
        return float(value), np.array([of_alpha * alpha, of_beta * beta])


def fit_sbg(decisions: Decisions) -> Fit:
    """Fit alpha and beta by maximum likelihood; both outcomes must have been seen.

    Where hardly anybody was lost after a first renewal nothing tells how customers differ: the rate of renewal is then
    the same at all decisions (alpha + beta so large that renewals teach nothing), and `one_renewal_rate` says so.
    """
    likelihood = Likelihood(decisions)
    if decisions.lost[1:].sum() < FEWEST_LATER_LOSSES:
        return _one_rate(decisions, likelihood)
    return maximise("sbg", NAMES, likelihood, [np.array([0.0, 1.0]), np.array([2.0, 4.0])], likelihood.cases)


def _one_rate(decisions: Decisions, likelihood: Likelihood) -> Fit:
    lost = float(decisions.lost.sum() / decisions.cases)
    total = float(np.exp(HIGHEST))
    values = rounded(np.array([lost * total, (1 - lost) * total]))
    # of the logarithm of alpha alone, so that the rate has the variance of a share
    spread = float(rounded(1 / (decisions.cases * lost * (1 - lost)), 6))
    return Fit(
        "sbg",
        NAMES,
        tuple(values.tolist()),
        ((spread, 0.0), (0.0, 0.0)),
        float(rounded(likelihood(np.log(values))[0] * decisions.cases)),
        decisions.cases,
        True,
        ("one_renewal_rate",),
    )


def survival(values: tuple[float, ...], decisions: int) -> Floats:
    """S(t) = B(alpha, beta+t)/B(alpha, beta) for t = 0 … decisions: still there after so many decisions."""
    alpha, beta = values
    return np.asarray(np.exp(betaln(alpha, beta + np.arange(decisions + 1)) - betaln(alpha, beta)))
