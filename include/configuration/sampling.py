"""Sampling of surveys: strata, populations and waves: `sampling.yml`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from include.configuration.weights import Purpose

Population = Literal["active_customers", "resolved_tickets"]


class PurposeSampling(BaseModel):
    """The population that a purpose's surveys speak for, and what one wave of them is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    population: Population
    wave: Literal["month", "survey"] = "month"


class Sampling(BaseModel):
    """Strata by customer tier, populations by purpose, and how soon a customer may be asked again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recently_asked_days: int = Field(default=30, ge=0)
    strata: dict[str, str] = {}
    purposes: dict[Purpose, PurposeSampling] = {
        "transactional": PurposeSampling(population="resolved_tickets"),
        "relationship": PurposeSampling(population="active_customers"),
        "pulse": PurposeSampling(population="active_customers"),
    }
