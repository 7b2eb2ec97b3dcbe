"""`sla.yml`: by when a ticket has to be answered and solved."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from include.configuration.loading import read_part

SLA_FILE = "sla.yml"
# A target a year long is a slip of the unit: minutes, not seconds.
_LONGEST_MINUTES = 366 * 24 * 60

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Code = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Codes = Annotated[tuple[Code, ...], Field(min_length=1)]
Minutes = Annotated[int, Field(gt=0, le=_LONGEST_MINUTES)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyWords(_Part):
    """What readers see."""

    en: str
    zh: str


class Targets(_Part):
    """Minutes by clock; a clock without a target has none under this policy, and no later policy gives it one."""

    first_response: Minutes | None = None
    next_response: Minutes | None = None
    resolution: Minutes | None = None


class Policy(_Part):
    """One policy; a condition that is left out holds for every ticket, also for those where the value is not known."""

    name: Name
    words: PolicyWords
    tier: Codes | None = None
    priority: Annotated[tuple[Literal["low", "normal", "high", "urgent"], ...], Field(min_length=1)] | None = None
    issue_type: Codes | None = None
    channel: Codes | None = None
    # local days, both included
    valid_from: date | None = None
    valid_to: date | None = None
    hours: Literal["business", "calendar"] = "business"
    targets: Targets

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError(f"policy {self.name}: valid_to lies before valid_from")
        return self


class ServiceLevels(_Part):
    """All policies, in order: the first that fits a ticket at an instant is in force then."""

    policies: tuple[Policy, ...] = ()

    @field_validator("policies")
    @classmethod
    def _named_once(cls, policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
        names = [policy.name for policy in policies]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"policy {name} stands twice")
        return policies


def read_sla(folder: Path) -> ServiceLevels:
    """The policies of a configuration.

    Raises:
        ConfigurationError: the file is not what it should be.
    """
    return read_part(folder, SLA_FILE, ServiceLevels)
