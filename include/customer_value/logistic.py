"""Logistic regression by maximum likelihood, with the standard errors that tables of odds ratios need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.customer_value.features import Floats

_STEPS = 50
_CLOSE = 1e-10
# Coefficients beyond this mean that some combination parts the outcomes without error: there is no maximum.
_RUNAWAY = 25.0


@dataclass(frozen=True)
class LogisticFit:
    """Coefficients (intercept first), their covariance, and whether the maximum was found."""

    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    is_converged: bool


def expit(margin: Floats) -> Floats:
    """1 / (1 + e^-x) without overflow."""
    small = np.exp(-np.abs(margin))
    return np.where(margin >= 0, 1 / (1 + small), small / (1 + small))


def fit_logistic(features: Floats, target: Floats) -> LogisticFit:
    """Fit P(target) = expit(b0 + features · b) by Newton's method.

    Args:
        features: (n, k), no missing values, no constant column.
        target: (n,) of 0 and 1, or of smoothed targets between them.

    Returns:
        (k + 1) coefficients; their covariance is the inverse of the information (McCullagh and Nelder 1989, ch. 4).
        `is_converged` is false where outcomes are parted without error or columns say the same.
    """
    design = np.column_stack([np.ones(len(target)), features])
    rate = float(np.clip(np.mean(target), 1e-9, 1 - 1e-9))
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(rate / (1 - rate))
    information = np.eye(design.shape[1])
    is_converged = False
    for _ in range(_STEPS):
        probability = expit(design @ beta)
        weight = probability * (1 - probability)
        information = design.T @ (design * weight[:, None])
        if not np.all(np.isfinite(information)) or np.linalg.cond(information) > 1e13:
            break
        step = np.linalg.solve(information, design.T @ (target - probability))
        beta = beta + step
        if np.max(np.abs(beta * np.append(1.0, np.std(design[:, 1:], axis=0)))) > _RUNAWAY:
            break
        if np.max(np.abs(step)) < _CLOSE * (1 + np.max(np.abs(beta))):
            is_converged = True
            break
    margin = design @ beta
    likelihood = float(np.sum(target * margin - np.logaddexp(0, margin)))
    covariance = np.full(information.shape, np.nan)
    if is_converged:
        covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    return LogisticFit(beta, covariance, likelihood, is_converged)
