"""Maximum likelihood over logarithms of positive parameters, with what is known about how sure the result is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from include.customer_value.digits import rounded

Floats = npt.NDArray[np.float64]
# Parameters (logarithms) -> mean log-likelihood per case, and its gradient.
Likelihood = Callable[[Floats], tuple[float, Floats]]

LOWEST, HIGHEST = -7.0, 9.0
AT_BOUND = 1e-3
FLAT = 1e-9
NEWTON_STEPS = 3
GRADIENT_MOST = 1e-5


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Attributes:
        kind: bg_nbd, gamma_gamma or sbg.
        names: of the parameters.
        values: the parameters.
        covariance: of the parameters' logarithms (inverse observed information); 0 for one that lies at its bound.
        log_likelihood: at the parameters, of all cases.
        cases: how many cases (customers, decisions) it was fitted on.
        converged: whether the search ended where the gradient is zero or at a bound.
        warnings: codes of `warning_words.py`.
    """

    kind: str
    names: tuple[str, ...]
    values: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    log_likelihood: float
    cases: int
    converged: bool
    warnings: tuple[str, ...] = field(default=())

    @property
    def logarithms(self) -> Floats:
        """Logarithms of the parameters."""
        return np.log(np.array(self.values))

    @property
    def sigma(self) -> Floats:
        """Covariance of the logarithms, square."""
        return np.array(self.covariance)

    def standard_error(self, name: str) -> float:
        """Standard error of a parameter itself (delta method from its logarithm)."""
        place = self.names.index(name)
        return float(self.values[place] * np.sqrt(max(self.covariance[place][place], 0.0)))

    def __getitem__(self, name: str) -> float:
        return self.values[self.names.index(name)]

    def as_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "kind": self.kind,
            "names": list(self.names),
            "values": list(self.values),
            "covariance": [list(row) for row in self.covariance],
            "log_likelihood": self.log_likelihood,
            "cases": self.cases,
            "converged": self.converged,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Fit:
        """What `as_json` gave."""
        return cls(
            kind=told["kind"],
            names=tuple(told["names"]),
            values=tuple(told["values"]),
            covariance=tuple(tuple(row) for row in told["covariance"]),
            log_likelihood=told["log_likelihood"],
            cases=told["cases"],
            converged=told["converged"],
            warnings=tuple(told["warnings"]),
        )


def maximise(
    kind: str,
    names: Sequence[str],
    likelihood: Likelihood,
    starts: Sequence[Floats],
    cases: int,
    unit: Floats | None = None,
    constant: float = 0.0,
) -> Fit:
    """Fit a model.

    Args:
        kind, names: of the model and of its parameters.
        likelihood: mean log-likelihood per case and its gradient, of the parameters' logarithms.
        starts: where to begin (logarithms); the best end counts.
        cases: number of cases.
        unit: what each parameter is multiplied with, where the data were scaled (1 where not).
        constant: added to the log-likelihood, where scaling the data changed it.
    """
    bounds = [(LOWEST, HIGHEST)] * len(names)
    best, ended = starts[0], False
    highest = -np.inf
    for start in starts:
        found = minimize(
            lambda point: tuple(-part for part in likelihood(point)),
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 500, "ftol": 1e-14, "gtol": 1e-9, "maxcor": 20},
        )
        if -found.fun > highest + 1e-12:
            best, highest, ended = found.x, -found.fun, bool(found.success)
    best, information, free = _polished(likelihood, best)
    value, gradient = likelihood(best)
    covariance, is_flat = _covariance(information * cases, free)
    warnings = [f"{name}_at_bound" for name, is_free in zip(names, free, strict=True) if not is_free]
    if is_flat:
        warnings.append("flat_likelihood")
    converged = bool(np.all(np.abs(gradient[free]) < GRADIENT_MOST)) or (ended and is_flat)
    if not converged:
        warnings.append("not_converged")
    scale = np.ones(len(names)) if unit is None else unit
    return Fit(
        kind=kind,
        names=tuple(names),
        values=tuple(rounded(np.exp(best) * scale).tolist()),
        covariance=tuple(tuple(row) for row in rounded(covariance, 6).tolist()),
        log_likelihood=float(rounded(value * cases + constant)),
        cases=cases,
        converged=converged,
        warnings=tuple(warnings),
    )


def _polished(likelihood: Likelihood, point: Floats) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """A few Newton steps: the same end whatever way led there. Returns point, mean information, and what is free."""
    free = _is_free(point)
    for _ in range(NEWTON_STEPS):
        information = _information(likelihood, point)
        value, gradient = likelihood(point)
        inner = information[np.ix_(free, free)]
        if not free.any() or np.linalg.eigvalsh(inner)[0] <= FLAT:
            return point, information, free
        step = np.zeros(len(point))
        step[free] = np.linalg.solve(inner, gradient[free])
        nearer = np.clip(point + step, LOWEST, HIGHEST)
        if np.abs(step).max() < 1e-10 or likelihood(nearer)[0] < value:
            return point, information, free
        point = nearer
    return point, _information(likelihood, point), free


def _is_free(point: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray((point > LOWEST + AT_BOUND) & (point < HIGHEST - AT_BOUND))


def _information(likelihood: Likelihood, point: Floats) -> Floats:
    """Minus the second derivatives, from central differences of the gradient."""
    step = 1e-4
    columns = []
    for place in range(len(point)):
        aside = np.zeros(len(point))
        aside[place] = step
        columns.append(-(likelihood(point + aside)[1] - likelihood(point - aside)[1]) / (2 * step))
    matrix = np.array(columns)
    return (matrix + matrix.T) / 2


def _covariance(information: Floats, free: npt.NDArray[np.bool_]) -> tuple[Floats, bool]:
    """Inverse of the information of the free parameters; directions in which it is flat are left out, and told of."""
    covariance = np.zeros(information.shape)
    if not free.any():
        return covariance, True
    size, direction = np.linalg.eigh(information[np.ix_(free, free)])
    firm = size > max(FLAT * abs(size).max(), 1e-8)
    inverse = (direction[:, firm] / size[firm]) @ direction[:, firm].T
    covariance[np.ix_(free, free)] = inverse
    return covariance, not bool(firm.all())
