"""The rules of `expectations/rules/`: read, checked, and spread over the entities."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from include.contracts import load_contracts
from include.errors import MetricsError
from include.gate.batch_rules import ENTITY as BATCH
from include.gate.batch_rules import BatchRule
from include.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "expectations" / "rules"
# Signs are looked for in the responses of this entity.
SIGNED = "survey_response"
# A shared rule about this column says nothing of an entity without a change time.
CHANGE_TIME = "_change_time"
Verdict = Literal["unusable", "not_counted", "flag", "note"]
Stage = Literal["gate", "settle"]


class RuleError(MetricsError):
    """A rule file can't be used, or a rule could not be run; the text names it."""

    default_code = "SM304"


class Expectation(BaseModel):
    """A GX expectation by its type: native, or a class of `expectations/custom`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    kwargs: dict[str, Any] = Field(default_factory=dict)


class Sign(BaseModel):
    """A sign of a careless answer.

    It is shown where any of its conditions on a response holds, and can be judged where any of them is not null.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    any_of: tuple[str, ...] = Field(min_length=1)
    en: str
    zh: str


class Rule(BaseModel):
    """One rule about one entity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    requirement: str
    verdict: Verdict
    stage: Stage = "gate"
    holds: bool = False
    stands_alone: bool = False
    sql: str | None = None
    expectation: Expectation | None = None
    settings: dict[str, float | int] = Field(default_factory=dict)
    signs: dict[str, Sign] = Field(default_factory=dict)
    stop_above: float | None = Field(None, ge=0, le=1)
    stop_from: int = Field(1, ge=1)
    en: str
    zh: str

    @model_validator(mode="after")
    def _complete(self) -> Rule:
        if (self.sql is None) == (self.expectation is None):
            raise ValueError("needs either `sql` or `expectation`")
        if self.holds and (self.verdict != "unusable" or self.stage != "settle"):
            raise ValueError("`holds` goes with verdict unusable at stage settle")
        if self.stands_alone and not self.holds:
            raise ValueError("`stands_alone` goes with `holds`")
        if self.stop_from > 1 and self.stop_above is None:
            raise ValueError("`stop_from` goes with `stop_above`")
        return self

    @property
    def query(self) -> str | None:
        """The rule's SQL with its settings filled in; `{batch}` stays."""
        return None if self.sql is None else _filled(self.sql, self.settings)

    @property
    def sign_conditions(self) -> dict[str, list[str]]:
        """Name of each sign -> its conditions, settings filled in."""
        return {name: [_filled(one, self.settings) for one in sign.any_of] for name, sign in self.signs.items()}

    def sign_words(self, name: str, language: Literal["en", "zh"]) -> str:
        """A sign in words, settings filled in."""
        return _filled(getattr(self.signs[name], language), self.settings)

    def words(self, language: Literal["en", "zh"]) -> str:
        """The reason in words, settings filled in."""
        return _filled(self.en if language == "en" else self.zh, self.settings)


@dataclass(frozen=True)
class RuleSet:
    """All rules by entity, and the hash that says which they were."""

    by_entity: dict[str, tuple[Rule, ...]]
    digest: str
    text: str
    of_batches: tuple[BatchRule, ...] = ()

    def of(self, entity: str, stage: Stage) -> list[Rule]:
        """The rules of an entity at a stage."""
        return [rule for rule in self.by_entity[entity] if rule.stage == stage]

    def with_signs(self) -> Rule | None:
        """The rule about responses that names the signs of a careless one."""
        return next((rule for rule in self.by_entity[SIGNED] if rule.signs), None)


_holding: ContextVar[RuleSet | None] = ContextVar("_holding", default=None)


def load_rules(folder: Path = FOLDER) -> RuleSet:
    """The rules that hold: all of the folder, those of every entity first; inside `holding_rules` those named there.

    Raises:
        RuleError: a file names an unknown entity, has an unknown, missing or idle key, or an id stands twice.
    """
    return _holding.get() or _read_rules(folder)


@contextmanager
def holding_rules(text: str) -> Iterator[None]:
    """Judge by rules of earlier days: by `RuleSet.text` as it was kept.

    Raises:
        RuleError: this program can't use them.
    """
    kept = json.loads(text)
    try:
        # Rules of days before there were any about whole deliveries have none.
        of_batches = tuple(BatchRule.model_validate(rule) for rule in kept.pop(BATCH, ()))
        # Entities that are newer than the rules have none.
        by_entity: dict[str, tuple[Rule, ...]] = dict.fromkeys(load_contracts(), ()) | {
            entity: tuple(Rule.model_validate(rule) for rule in rules) for entity, rules in kept.items()
        }
    except ValidationError as error:
        raise RuleError(f"rules of an earlier day can't be used by this program: {error}") from error
    token = _holding.set(RuleSet(by_entity, hashlib.sha256(text.encode()).hexdigest(), text, of_batches))
    try:
        yield
    finally:
        _holding.reset(token)


@cache
def _read_rules(folder: Path) -> RuleSet:
    """Read a folder of rules.

    Raises:
        RuleError: a file names an unknown entity, has an unknown, missing or idle key, or an id stands twice.
    """
    contracts = load_contracts()
    shared: list[dict[str, Any]] = []
    own: dict[str, list[dict[str, Any]]] = {entity: [] for entity in contracts}
    whole: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        entity = content.get("entity")
        if entity == "*":
            shared = content["rules"]
        elif entity == BATCH:
            whole = content["rules"]
        elif entity in own:
            own[entity] = content["rules"]
        else:
            raise RuleError(f"{path.name}: no such entity: {entity}")
    by_entity = {}
    for entity, rules in own.items():
        applying = [rule for rule in shared if contracts[entity].change_time or CHANGE_TIME not in rule.get("sql", "")]
        spread = [{**rule, "id": f"{entity}_{rule['id']}"} for rule in applying]
        by_entity[entity] = _checked(Rule, entity, [*spread, *rules])
    of_batches = _checked(BatchRule, BATCH, whole)
    ids = [rule.id for rules in by_entity.values() for rule in rules] + [rule.id for rule in of_batches]
    doubled = sorted({one for one in ids if ids.count(one) > 1})
    if doubled:
        raise RuleError(f"rule ids stand twice: {', '.join(doubled)}")
    # Not a matter of the model: rules of earlier days may have it, and did nothing.
    every = [rule for rules in by_entity.values() for rule in rules]
    idle = [rule.id for rule in every if rule.stage == "settle" and rule.stop_above is not None]
    if idle:
        raise RuleError(f"`stop_above` stops at stage gate, never at settle: {', '.join(idle)}")
    signed = [rule.id for rules in by_entity.values() for rule in rules if rule.signs]
    if len(signed) > 1 or any(rule.signs for name, rules in by_entity.items() for rule in rules if name != SIGNED):
        raise RuleError(f"`signs` belong to one rule of {SIGNED}: {', '.join(signed)}")
    kept = {entity: [rule.model_dump() for rule in rules] for entity, rules in by_entity.items()}
    kept[BATCH] = [rule.as_kept() for rule in of_batches]
    text = json.dumps(kept, ensure_ascii=False, sort_keys=True)
    return RuleSet(by_entity, hashlib.sha256(text.encode()).hexdigest(), text, of_batches)


_Kind = TypeVar("_Kind", Rule, BatchRule)


def _checked(kind: type[_Kind], entity: str, rules: list[dict[str, Any]]) -> tuple[_Kind, ...]:
    try:
        return tuple(kind.model_validate(rule) for rule in rules)
    except ValidationError as error:
        first = error.errors()[0]
        raise RuleError(f"rules of {entity}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _filled(text: str, settings: dict[str, float | int]) -> str:
    for name, value in settings.items():
        text = text.replace("{" + name + "}", f"{value:g}")
    return text
