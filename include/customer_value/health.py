"""Health score: 0 to 100 from what is known of a customer, by components and weights of `health.yml`.

An item gives 0 points at its worst value and 100 at its best, in a straight line between. A component is the weighted
mean of its known items, the score that of the known components: unknown is left out, never counted as bad.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from include.customer_value.features import Floats

COMPONENTS = ("service", "experience", "value", "usage", "payment")


@dataclass(frozen=True)
class HealthItem:
    """One feature's points: `worst` gives 0, `best` 100; either may be the larger."""

    component: str
    component_weight: float
    feature: str
    weight: float
    worst: float
    best: float


@dataclass(frozen=True)
class Health:
    """Scores of n customers.

    Attributes:
        score: (n,) 0-100, NaN under the coverage asked for.
        components: name -> (n,) 0-100, NaN where no item of it is known.
        coverage: (n,) share of the weights that is known, 0-1; weights of components without items are never known.
        lost: (n, items) points of the score that an item costs.
    """

    score: Floats
    components: Mapping[str, Floats]
    coverage: Floats
    lost: Floats


def health(
    columns: Mapping[str, Floats],
    items: Sequence[HealthItem],
    component_weights: Mapping[str, float],
    coverage_min: float,
) -> Health:
    """Score customers.

    Args:
        columns: feature -> (n,), NaN is unknown.
        items: what gives points; all of them if nothing else is said.
        component_weights: weight of every component, also of those without items.
        coverage_min: share of the weights that must be known, else there is no score.
    """
    rows = len(next(iter(columns.values())))
    points = [item_points(columns[item.feature], item) for item in items]
    weights = [np.where(np.isnan(one), 0.0, item.weight) for one, item in zip(points, items, strict=True)]
    known, weight_sum, total, covered = {}, np.zeros(rows), np.zeros(rows), np.zeros(rows)
    known_weights = {}
    for name, weight in component_weights.items():
        own = [place for place, item in enumerate(items) if item.component == name]
        known_weights[name] = sum((weights[place] for place in own), np.zeros(rows))
        sums = sum((np.nan_to_num(points[place]) * weights[place] for place in own), np.zeros(rows))
        known[name] = _divided(sums, known_weights[name])
        is_known = known_weights[name] > 0
        weight_sum = weight_sum + np.where(is_known, weight, 0.0)
        total = total + np.where(is_known, weight * np.nan_to_num(known[name]), 0.0)
        covered = covered + (weight * known_weights[name] / sum(items[p].weight for p in own) if own else 0.0)
    coverage = covered / sum(component_weights.values())
    score = np.where(coverage >= coverage_min, _divided(total, weight_sum), np.nan)
    lost = np.zeros((rows, len(items)))
    for place, item in enumerate(items):
        share = _divided(weights[place], known_weights[item.component]) * _divided(
            np.full(rows, component_weights[item.component]), weight_sum
        )
        lost[:, place] = np.nan_to_num((100 - points[place]) * share)
    return Health(score, known, coverage, lost)


def item_points(values: Floats, item: HealthItem) -> Floats:
    """0 at the worst value or beyond, 100 at the best or beyond; (n,), NaN stays."""
    return np.clip((values - item.worst) / (item.best - item.worst), 0, 1) * 100


def _divided(numerator: Floats, denominator: Floats) -> Floats:
    """The quotient, NaN where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)
