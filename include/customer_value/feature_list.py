"""What is known of a customer at a month-end, for the health score and the churn model: names, in a fixed order.

`int_customer_feature` has a column of each name, and says what it measures; `risk_reason.csv` has the words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Who can churn how: by the end of the last contract, by silence, or by not coming back in the days of grace.
CustomerKind = Literal["contract", "order", "in_grace"]
KINDS: tuple[CustomerKind, ...] = ("contract", "order", "in_grace")


@dataclass(frozen=True)
class Feature:
    """One figure of a customer at a cut; of `is_skewed` ones, with a long tail, a linear model sees the logarithm."""

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
    Feature("orders_12m", is_skewed=True),
    Feature("revenue_12m", is_skewed=True),
    Feature("monthly_amount", is_skewed=True, kinds=("contract",)),
    Feature("contract_days_left", is_skewed=True, kinds=("contract",)),
    Feature("is_contract_due", kinds=("contract",)),
    Feature("usage_change"),
)
FEATURE_NAMES = tuple(feature.name for feature in FEATURES)


def features_of(kind: CustomerKind) -> tuple[str, ...]:
    """The names that say something of customers of a kind, in the order of FEATURES."""
    return tuple(feature.name for feature in FEATURES if kind in feature.kinds)
