"""What makes a customer healthy, and how churn is warned of: `health.yml`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from include.customer_value.feature_list import FEATURE_NAMES

Weight = Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=6)]
Bound = Annotated[Decimal, Field(ge=-1_000_000_000, le=1_000_000_000, decimal_places=6)]
Component = Literal["service", "experience", "value", "usage", "payment"]
FILE = "health.yml"


class Item(BaseModel):
    """Points of one feature: none at `worst` and beyond, all at `best` and beyond."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: Weight
    worst: Bound
    best: Bound

    @model_validator(mode="after")
    def _ends_differ(self) -> Item:
        if self.worst == self.best:
            raise ValueError("worst and best are the same: nothing could be told apart")
        return self


class ComponentWeights(BaseModel):
    """The weight of a component, and its items by feature; without items it is not scored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: Weight
    items: dict[str, Item] = Field(default_factory=dict)

    @field_validator("items")
    @classmethod
    def _known_features(cls, items: dict[str, Item]) -> dict[str, Item]:
        for name in items.keys() - set(FEATURE_NAMES):
            raise ValueError(f"{name} is no feature; there are {', '.join(FEATURE_NAMES)}")
        return items


class HealthVersion(BaseModel):
    """Components that hold from a day on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    valid_from: date = date(1900, 1, 1)
    components: dict[Component, ComponentWeights] = Field(min_length=1)

    @model_validator(mode="after")
    def _scores_something(self) -> HealthVersion:
        if not any(one.items for one in self.components.values()):
            raise ValueError("no component has an item")
        return self


class ChurnWarning(BaseModel):
    """Settings of the churn model and of the call list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contract_horizon_days: int = Field(default=90, ge=30, le=365)
    order_horizon_days: int = Field(default=180, ge=30, le=365)
    min_losses: int = Field(default=30, ge=10)
    refit_months: Literal[1, 2, 3, 4, 6, 12] = 6
    success_percent: int = Field(default=20, ge=0, le=100)
    is_contract_end_agreed: bool = False


class HealthConfiguration(BaseModel):
    """The whole file; without one there is no score, and churn is warned of with the defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    coverage_min: int = Field(default=40, ge=0, le=100)
    churn: ChurnWarning = ChurnWarning()
    versions: tuple[HealthVersion, ...] = ()

    @model_validator(mode="after")
    def _versions_in_order(self) -> HealthConfiguration:
        for earlier, later in pairwise(self.versions):
            if later.valid_from <= earlier.valid_from:
                raise ValueError(f"versions are not in order: {later.valid_from} follows {earlier.valid_from}")
        return self
