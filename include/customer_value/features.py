"""What is known of a customer at a month-end, for the health score and the churn model: names, in a fixed order.

`int_customer_feature` has a column of each name; what each one measures is said there and in `words.yml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
# Who can churn how: by the end of the last contract, or by silence.
CustomerKind = Literal["contract", "order"]
KINDS: tuple[CustomerKind, ...] = ("contract", "order")


@dataclass(frozen=True)
class Feature:
    """One figure of a customer at a cut; `is_skewed` ones have a long tail, of which a linear model sees the logarithm."""

    name: str
    is_skewed: bool = False
    kinds: tuple[CustomerKind, ...] = KINDS


FEATURES = (
    Feature("tickets_90d", is_skewed=True),
    Feature("tickets_per_year", is_skewed=True),
    Feature("complaints_per_year", is_skewed=True),
    Feature("reopens_per_year", is_skewed=True),
    Feature("response_minutes", is_skewed=True),
    Feature("last_csat"),
    Feature("csat_trend"),
    Feature("last_nps"),
    Feature("tenure_days", is_skewed=True),
    Feature("days_since_order", is_skewed=True),
    Feature("orders_365d", is_skewed=True),
    Feature("revenue_365d", is_skewed=True),
    Feature("monthly_amount", is_skewed=True, kinds=("contract",)),
    Feature("contract_days_left", is_skewed=True, kinds=("contract",)),
    Feature("is_contract_due", kinds=("contract",)),
    Feature("usage_change"),
)
FEATURE_NAMES = tuple(feature.name for feature in FEATURES)
_SKEWED = frozenset(feature.name for feature in FEATURES if feature.is_skewed)


def features_of(kind: CustomerKind) -> tuple[str, ...]:
    """The names that say something of customers of a kind, in the order of FEATURES."""
    return tuple(feature.name for feature in FEATURES if kind in feature.kinds)


def matrix(columns: Mapping[str, Floats], names: tuple[str, ...]) -> Floats:
    """The columns of these names side by side, rows × names; NaN is unknown."""
    return np.column_stack([np.asarray(columns[name], dtype=np.float64) for name in names])


def unskewed(values: Floats, names: tuple[str, ...]) -> Floats:
    """The same matrix with ln(1 + |x|), signed, in place of the skewed columns."""
    result = values.copy()
    for place, name in enumerate(names):
        if name in _SKEWED:
            result[:, place] = np.sign(values[:, place]) * np.log1p(np.abs(values[:, place]))
    return result
