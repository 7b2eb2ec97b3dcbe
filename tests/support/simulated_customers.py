"""Customers as the models have them, simulated in the plainest way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def simulated_orders(
    seed: int, count: int, r: float, alpha: float, a: float, b: float, longest: int
) -> tuple[Ints, Ints, Ints]:
    """x, t_x and T (days) of customers who began on a day of their own."""
    rng = np.random.default_rng(seed)
    age = rng.integers(30, longest, count)
    rate, leaving = rng.gamma(r, 1 / alpha, count), rng.beta(a, b, count)
    frequency, recency, time = np.zeros(count, np.int64), np.zeros(count), np.zeros(count)
    alive = np.ones(count, bool)
    while alive.any():
        time = np.where(alive, time + rng.exponential(1 / rate), time)
        ordered = alive & (time <= age)
        frequency += ordered
        recency = np.where(ordered, time, recency)
        alive = ordered & (rng.random(count) > leaving)
    return frequency, np.floor(recency).astype(np.int64), age.astype(np.int64)


def simulated_values(seed: int, days: Ints, p: float, q: float, gamma: float) -> npt.NDArray[np.float64]:
    """Sums of the values of so many orders of each customer."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(q, 1 / gamma, len(days))
    return rng.gamma(p * days) / rate
