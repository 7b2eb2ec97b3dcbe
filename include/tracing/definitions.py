"""What the semantic YAML says of a metric, as plain data: its facts, measures and cuts.

The macros of `dbt_project/macros/metrics/` stay the only ones that render the mart; a test holds what is read here
against every metric of a served night.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from include.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "dbt_project" / "models" / "metrics"
# A hundred metrics: libyaml reads them in a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_REF = re.compile(r"ref\('(\w+)'\)")
_DAYS = ("day", "week", "month", "quarter", "year")
# Measures named in `config.meta` that are read beside the inputs and that value, numerator, denominator or n may use.
_BESIDE = ("n",)


@dataclass(frozen=True)
class Measure:
    """An aggregate over a column of a fact; `percentile` is null unless the aggregate is one."""

    name: str
    agg: str
    expr: str
    percentile: float | None


@dataclass(frozen=True)
class Cut:
    """Where a segment's member stands: in the fact (`column`), or, over the fact's `foreign` key, in another table."""

    column: str
    foreign: str | None = None
    table: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Fact:
    """A fact with its time column, and its own key.

    `snapshot` names the column that holds the as-of date, where the fact repeats its rows date by date.
    """

    model: str
    table: str
    key: str
    time: str
    is_monthly: bool
    snapshot: str | None
    cuts: tuple[tuple[str, Cut], ...]

    def cut(self, segment: str) -> Cut:
        """How a segment is reached."""
        return dict(self.cuts)[segment]


@dataclass(frozen=True)
class Part:
    """A measure under the name that formulas call it by; `is_filled`: where the fact has data, nothing is 0."""

    name: str
    measure: Measure
    fact: Fact
    is_filled: bool


@dataclass(frozen=True)
class Metric:
    """A published metric; formulas are SQL over the names of the parts, null where it has none of the kind."""

    name: str
    parts: tuple[Part, ...]
    value: str
    numerator: str | None
    denominator: str | None
    n: str
    grains: tuple[str, ...]
    segments: tuple[str, ...]

    def named_in(self, formula: str | None) -> list[Part]:
        """The parts that a formula names."""
        words = set(re.findall(r"\w+", formula or ""))
        return [part for part in self.parts if part.name in words]

    @property
    def facts(self) -> list[Fact]:
        """The facts that it reads, each with its time column, in the order of the parts."""
        return list(dict.fromkeys(part.fact for part in self.parts))


@cache
def read_metrics(folder: Path = FOLDER) -> dict[str, Metric]:
    """Every published metric by its name, sorted."""
    paths = sorted(folder.glob("*__metrics.yml"))
    texts: list[Any] = [yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER) or {} for path in paths]
    models = [model for text in texts for model in text.get("semantic_models", ())]
    measures = {name: found for model in models for name, found in _measures(model, models).items()}
    declared = {one["name"]: one for text in texts for one in text.get("metrics", ())}
    inputs: dict[str, Any] = {name: _input(declared.get(name), name) for name in {**measures, **declared}}
    return {
        name: _metric(one, inputs, measures) for name, one in sorted(declared.items()) if _meta(one).get("tidy", True)
    }


def _measures(model: Mapping[str, Any], models: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Measure, Fact]]:
    """Each measure of a semantic model with its fact."""
    cuts = tuple(_cuts(model, models).items())
    found = {}
    for measure in model.get("measures", ()):
        name, agg = measure["name"], measure["agg"]
        time = measure.get("agg_time_dimension") or model["defaults"]["agg_time_dimension"]
        dimension = next(one for one in model["dimensions"] if one["name"] == time)
        fact = Fact(
            model=model["name"],
            table=_table(model),
            key=_own_key(model),
            time=_expr(dimension),
            is_monthly=dimension["type_params"]["time_granularity"] == "month",
            snapshot=time if _meta(model).get("snapshot") == "as_of_date" else None,
            cuts=cuts,
        )
        percentile = 0.5 if agg == "median" else measure.get("agg_params", {}).get("percentile")
        found[name] = (Measure(name, agg, str(measure.get("expr") or name), percentile), fact)
    return found


def _cuts(model: Mapping[str, Any], models: Iterable[Mapping[str, Any]]) -> dict[str, Cut]:
    """By what a fact may be cut: its own columns, and those behind its foreign entities."""
    found = {one["name"]: Cut(_expr(one)) for one in model.get("dimensions", ()) if one["type"] == "categorical"}
    for entity in model.get("entities", ()):
        if entity["type"] != "foreign":
            continue
        for other in models:
            key = next(
                (one for one in other.get("entities", ()) if (one["name"], one["type"]) == (entity["name"], "primary")),
                None,
            )
            for one in other.get("dimensions", ()) if key else ():
                if one["type"] == "categorical" and key:
                    found.setdefault(one["name"], Cut(_expr(one), _expr(entity), _table(other), _expr(key)))
    return found


def _metric(one: Mapping[str, Any], inputs: Mapping[str, Any], measures: Mapping[str, tuple[Measure, Fact]]) -> Metric:
    """A declared metric, as the macro `metric_defined` understands it."""
    name, kind, params, meta = one["name"], one["type"], one["type_params"], _meta(one)
    numerator: str | None
    denominator: str | None
    if kind == "simple":
        names = [name]
        value, numerator, denominator = name, (name if meta.get("is_additive") else None), None
    elif kind == "ratio":
        names = [params["numerator"], params["denominator"]]
        numerator, denominator = names
        value = f"{numerator} / nullif({denominator}, 0)"
    else:
        names = [_name(one) for one in params["metrics"]]
        value, numerator, denominator = params["expr"], meta["numerator"], meta["denominator"]
    n = meta.get("n") or denominator or name
    names += [meta[key] for key in _BESIDE if meta.get(key)]
    parts = []
    for part in dict.fromkeys(names):
        measure, is_filled = inputs[part]
        parts.append(Part(part, *measures[measure], is_filled))
    return Metric(
        name=name,
        parts=tuple(parts),
        value=value,
        numerator=numerator,
        denominator=denominator,
        n=n,
        # A fact by month has nothing to say about days and weeks.
        grains=tuple(meta.get("grains") or (_DAYS[2:] if any(part.fact.is_monthly for part in parts) else _DAYS)),
        segments=tuple(meta["valid_dimensions"]),
    )


def _input(declared: Mapping[str, Any] | None, name: str) -> tuple[str, bool]:
    """The measure behind an input of a metric, and whether gaps are filled with 0."""
    if declared is None or declared["type"] != "simple":
        return name, False
    measure = declared["type_params"]["measure"]
    if isinstance(measure, str):
        return measure, False
    return measure["name"], measure.get("fill_nulls_with") == 0


def _meta(one: Mapping[str, Any]) -> dict[str, Any]:
    return one.get("config", {}).get("meta", {}) or {}


def _name(one: str | Mapping[str, Any]) -> str:
    return one if isinstance(one, str) else str(one["name"])


def _expr(one: Mapping[str, Any]) -> str:
    return str(one.get("expr") or one["name"])


def _table(model: Mapping[str, Any]) -> str:
    match = _REF.fullmatch(model["model"])
    if not match:
        raise ValueError(f"semantic model {model['name']}: {model['model']} is no ref")
    return match.group(1)


def _own_key(model: Mapping[str, Any]) -> str:
    """The column that names a row of the fact."""
    for entity in model.get("entities", ()):
        if entity["type"] == "primary":
            return _expr(entity)
    # Of a fact that no other one refers to only the name of the entity is declared.
    return f"{model['primary_entity']}_key"
