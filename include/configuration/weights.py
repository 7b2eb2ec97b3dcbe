"""Weights of the customer satisfaction index by scene: `weights.yml`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Weight = Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=6)]
Purpose = Literal["transactional", "relationship", "pulse", "pretest", "call_back"]
# What a scene can ask of a response, in the order of the columns of `csi_scene`.
CONDITIONS = ("purpose", "customer_type", "tier", "product_line", "channel_group")


class Scene(BaseModel):
    """Weights of the dimensions, and the responses that they hold for; a condition left out asks nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scene: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)
    purpose: tuple[Purpose, ...] = ()
    customer_type: tuple[str, ...] = ()
    tier: tuple[str, ...] = ()
    product_line: tuple[str, ...] = ()
    channel_group: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    weights: dict[str, Weight] = Field(min_length=1)

    @model_validator(mode="after")
    def _dates_in_order(self) -> Scene:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError(f"scene {self.scene} ends before it begins")
        return self

    def overlaps(self, other: Scene) -> bool:
        """Whether the two hold on a common day; the last day is part of the time."""
        first = max(self.valid_from or date.min, other.valid_from or date.min)
        return first <= min(self.valid_to or date.max, other.valid_to or date.max)


class CsiWeights(BaseModel):
    """The scenes in the order in which they are tried; without any there is no index."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    coverage_min: Decimal = Field(default=Decimal("0.6"), ge=0, le=1, decimal_places=6)
    scenes: tuple[Scene, ...] = ()

    @model_validator(mode="after")
    def _one_scene_of_a_name_at_a_time(self) -> CsiWeights:
        for place, scene in enumerate(self.scenes):
            for other in self.scenes[:place]:
                if other.scene == scene.scene and other.overlaps(scene):
                    raise ValueError(f"scene {scene.scene} stands twice for the same days: end one before the other")
        return self
