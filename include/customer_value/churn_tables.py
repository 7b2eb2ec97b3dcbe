"""Tables of the churn models and of what they and the health score say of every customer, from DuckDB's relations.

What the dbt models `int_churn_model_fitted` and `int_customer_churn_scored` are: they only name their relations. Scores
are made, and let go, a month-end at a time, so that months × customers need the memory of one month.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.customer_value.churn_model import (
    ChurnModel,
    Counts,
    Frame,
    Slice,
    fit_churn_model,
    lacking,
    naive_model,
    version_of,
)
from include.customer_value.churn_windows import Windows, fit_dates, month_ends, windows_before
from include.customer_value.explanations import TOP, top_reasons
from include.customer_value.feature_list import FEATURE_NAMES, KINDS, CustomerKind, features_of
from include.customer_value.features import matrix
from include.customer_value.health import COMPONENTS, HealthItem, health
from include.customer_value.model_store import ModelStore

# Rows of a slice beyond which a sample of customers is learned from, so that any company's fit takes seconds.
MOST_ROWS = 100_000
# Points of health that an item must cost to be a reason.
LEAST_POINTS = 1.0
_SAMPLED = 1_000_003
_WINDOW_COLUMNS = ("training", "calibration", "test")
FITTED = pa.schema(
    [
        ("customer_kind", pa.string()),
        ("fit_date", pa.date32()),
        ("model_version", pa.string()),
        ("model_kind", pa.string()),
        ("horizon_days", pa.int64()),
        *((f"{name}_{end}_date", pa.date32()) for name in _WINDOW_COLUMNS for end in ("from", "to")),
        *((f"{name}_{part}_count", pa.int64()) for name in _WINDOW_COLUMNS for part in ("row", "lost")),
        *(
            (name, pa.float64())
            for name in (
                "naive_rate",
                "auc",
                "brier",
                "naive_brier",
                "brier_gain_low",
                "brier_gain_high",
                "calibration_error",
                "lift_top_decile",
                "other_kind_brier",
            )
        ),
        ("is_used", pa.bool_()),
        ("reason", pa.string()),
        ("parameters", pa.string()),
        ("bin_number", pa.int64()),
        ("bin_predicted", pa.float64()),
        ("bin_observed", pa.float64()),
        ("bin_row_count", pa.int64()),
    ]
)
SCORED = pa.schema(
    [
        ("customer_feature_key", pa.int64()),
        ("health_score", pa.float64()),
        *((f"{name}_score", pa.float64()) for name in COMPONENTS),
        ("coverage", pa.float64()),
        ("churn_probability", pa.float64()),
        ("naive_rate", pa.float64()),
        ("used_model", pa.string()),
        ("model_version", pa.string()),
        ("reason_source", pa.string()),
        *((f"reason_{place}", pa.string()) for place in range(1, TOP + 1)),
    ]
)


@dataclass(frozen=True)
class ChurnSettings:
    """What `health.yml` and the project say."""

    horizon_days: Mapping[str, int]
    grace_days: Mapping[str, int]
    min_losses: int
    refit_months: int
    coverage_min: float


def churn_settings(setting: Mapping[str, Any], grace_days: int) -> ChurnSettings:
    """Settings from the row of `stg_health_setting`; the horizon of who is in grace are the days of grace."""
    return ChurnSettings(
        horizon_days={
            "contract": int(setting["contract_horizon_days"]),
            "order": int(setting["order_horizon_days"]),
            "in_grace": max(grace_days, 1),
        },
        # an outcome is known so many days after the horizon
        grace_days={"contract": grace_days, "order": 0, "in_grace": 0},
        min_losses=int(setting["min_losses"]),
        refit_months=int(setting["refit_months"]),
        coverage_min=float(setting["coverage_min"]) / 100,
    )


def fitted_models(features: Any, settings: ChurnSettings, store: ModelStore) -> pa.Table:
    """Every model of every half-year end (setting), read from the store or fitted; one row per model and bin.

    Args:
        features: the relation `int_customer_feature`.
        settings: horizons, grace, minimum of losses.
        store: where models are kept by version.
    """
    found = features.aggregate(
        "customer_kind, as_of_date, count(*) as row_count, coalesce(sum(cast(is_lost as integer)), 0) as lost_count",
        "customer_kind, as_of_date",
    )
    counts = {(kind, day): Counts(int(rows), int(lost)) for kind, day, rows, lost in found.fetchall()}
    all_ends = month_ends([day for _, day in counts])
    models = []
    for kind in KINDS:
        # from the first one of its kind on; there may be nobody of it in some months
        first = min((day for of_kind, day in counts if of_kind == kind), default=date.max)
        ends = [end for end in all_ends if end >= first]
        for fit_date in fit_dates(ends, settings.refit_months):
            windows = windows_before(fit_date, ends, settings.horizon_days[kind], settings.grace_days[kind])
            frame = Frame(kind, fit_date, settings.horizon_days[kind], settings.min_losses, windows, features_of(kind))
            of_slices = [_sum(counts, kind, days) for days in _slices(windows)]
            models.append(_model(features, frame, of_slices, store))
    return pa.Table.from_pylist([row for model in models for row in _fitted_rows(model)], schema=FITTED)


def scored_customers(
    features: Any, fitted: Any, items: Sequence[Mapping[str, Any]], settings: ChurnSettings
) -> Iterator[pa.RecordBatch]:
    """Health and churn of every customer, one row per row of `int_customer_feature`: a batch per month-end, ascending.

    Args:
        features: the relation `int_customer_feature`.
        fitted: the relation `int_churn_model_fitted`.
        items: rows of `stg_health_item`.
        settings: as of `fitted_models`.
    """
    stored = fitted.filter("parameters is not null").project("parameters").fetchall()
    models = [ChurnModel.from_json(json.loads(text)) for (text,) in stored]
    days = sorted(day for (day,) in features.project("as_of_date").distinct().fetchall())
    columns = ", ".join(f"coalesce({name}, cast('nan' as double)) as {name}" for name in FEATURE_NAMES)
    for day in days:
        rows = (
            features.filter(f"as_of_date = date '{day}'")
            .order("customer_key")
            .project(f"customer_feature_key, customer_kind, {columns}")
            .fetchnumpy()
        )
        yield _scored(day, rows, models, items, settings)


def _model(features: Any, frame: Frame, counts: Sequence[Counts], store: ModelStore) -> ChurnModel:
    reason = lacking(frame, counts)
    if reason:
        return naive_model(frame, counts, reason)
    slices = [_slice(features, frame, days, one) for days, one in zip(_slices(frame.windows), counts, strict=True)]
    version = version_of(frame, *slices)
    kept = store.read(version)
    if kept is not None:
        return ChurnModel.from_json(kept)
    model = fit_churn_model(frame, *slices)
    store.write(version, model.as_json())
    return model


def _slices(windows: Windows) -> tuple[tuple[date, ...], ...]:
    return (windows.training, windows.calibration, windows.test)


def _sum(counts: Mapping[tuple[str, date], Counts], kind: CustomerKind, days: Sequence[date]) -> Counts:
    found = [counts.get((kind, day), Counts(0, 0)) for day in days]
    return Counts(sum(one.rows for one in found), sum(one.positives for one in found))


def _slice(features: Any, frame: Frame, days: Sequence[date], counts: Counts) -> Slice:
    """The rows of some month-ends; of too many rows those of a share of the customers, which keys pick at random."""
    dates = ", ".join(f"date '{day}'" for day in days)
    condition = f"customer_kind = '{frame.customer_kind}' and as_of_date in ({dates})"
    if counts.rows > MOST_ROWS:
        condition += f" and customer_key % {_SAMPLED} < {_SAMPLED * MOST_ROWS // counts.rows}"
    columns = ", ".join(f"coalesce({name}, cast('nan' as double)) as {name}" for name in frame.names)
    rows = (
        features.filter(condition)
        .order("as_of_date, customer_key")
        .project(f"customer_key, date_diff('day', date '1970-01-01', as_of_date) as cut, is_lost, {columns}")
        .fetchnumpy()
    )
    values = matrix(rows, frame.names)
    return Slice.of(
        np.asarray(rows["customer_key"], dtype=np.int64),
        np.asarray(rows["cut"], dtype=np.int64),
        values,
        np.asarray(rows["is_lost"], dtype=bool),
    )


def _fitted_rows(model: ChurnModel) -> Iterator[dict[str, Any]]:
    """A row per bin, or a single one; the first holds the parameters."""
    row: dict[str, Any] = {
        "model_version": model.version,
        "model_kind": model.learner.kind if model.learner else None,
        **{name: getattr(model, name) for name in FITTED.names if hasattr(model, name)},
    }
    for name, days in zip(_WINDOW_COLUMNS, _slices(model.windows), strict=True):
        counts = getattr(model, name)
        row |= {f"{name}_row_count": counts.rows, f"{name}_lost_count": counts.positives}
        row |= {f"{name}_from_date": days[0], f"{name}_to_date": days[-1]} if days else {}
    row |= {name: None for name, value in row.items() if isinstance(value, float) and np.isnan(value)}
    parameters = json.dumps(model.as_json(), sort_keys=True)
    if not model.bins:
        yield row | {"parameters": parameters}
    for one in model.bins:
        yield row | {
            "parameters": parameters if one.number == 1 else None,
            "bin_number": one.number,
            "bin_predicted": one.predicted,
            "bin_observed": one.observed,
            "bin_row_count": one.rows,
        }


def _scored(
    day: date,
    rows: Mapping[str, npt.NDArray[Any]],
    models: Sequence[ChurnModel],
    items: Sequence[Mapping[str, Any]],
    settings: ChurnSettings,
) -> pa.RecordBatch:
    """Scores of one month-end."""
    count = len(rows["customer_feature_key"])
    own_items, weights = items_of(items, day)
    columns: dict[str, Any] = {field.name: _nothing(count, field.type) for field in SCORED}
    columns["customer_feature_key"] = rows["customer_feature_key"]
    if own_items:
        found = health(rows, own_items, weights, settings.coverage_min)
        columns |= {"health_score": found.score, "coverage": found.coverage}
        columns |= {f"{name}_score": values for name, values in found.components.items()}
        values = matrix(rows, tuple(item.feature for item in own_items))
        # bad is what lies on the worse side: above the best where less is better, below it where more is
        best = np.array([item.best for item in own_items])
        _put_reasons(
            columns,
            slice(None),
            "health",
            top_reasons(found.lost, values, best, [item.feature for item in own_items], LEAST_POINTS),
        )
    kinds = np.asarray(rows["customer_kind"], dtype=object)
    for kind in KINDS:
        model = max(
            (one for one in models if one.customer_kind == kind and one.fit_date <= day and one.naive_rate is not None),
            key=lambda one: one.fit_date,
            default=None,
        )
        place = np.flatnonzero(kinds == kind)
        if model is None or not len(place):
            continue
        columns["naive_rate"][place] = model.naive_rate
        columns["model_version"][place] = model.version
        columns["used_model"][place] = "model" if model.is_used else "naive"
        if not model.is_used or model.learner is None:
            columns["churn_probability"][place] = model.naive_rate
            continue
        values = matrix({name: rows[name][place] for name in model.learner.names}, model.learner.names)
        columns["churn_probability"][place] = model.probability(values)
        parts = model.contributions(values)
        _put_reasons(columns, place, "model", top_reasons(parts, values, model.learner.usual(), model.learner.names))
    return pa.record_batch([_array(columns[field.name], field.type) for field in SCORED], schema=SCORED)


def items_of(items: Sequence[Mapping[str, Any]], day: date) -> tuple[list[HealthItem], dict[str, float]]:
    """Items and weights of components of the version that holds on a day; none before the first."""
    versions = [row["valid_from"] for row in items if row["valid_from"] <= day]
    held = sorted(
        (row for row in items if versions and row["valid_from"] == max(versions)),
        key=lambda row: (row["component"], row["feature"] or ""),
    )
    weights = {name: float(row["component_weight"]) for name in COMPONENTS for row in held if row["component"] == name}
    return [
        HealthItem(
            row["component"],
            float(row["component_weight"]),
            row["feature"],
            float(row["item_weight"]),
            float(row["worst"]),
            float(row["best"]),
        )
        for row in held
        if row["feature"]
    ], weights


def _put_reasons(columns: dict[str, Any], place: Any, source: str, reasons: npt.NDArray[np.object_]) -> None:
    is_told = np.array([one is not None for one in reasons[:, 0]], dtype=np.int64)
    columns["reason_source"][place] = np.array([None, source], dtype=object)[is_told]
    for number in range(TOP):
        columns[f"reason_{number + 1}"][place] = reasons[:, number]


def _nothing(count: int, kind: pa.DataType) -> npt.NDArray[Any]:
    """A column of unknowns."""
    return np.full(count, np.nan) if pa.types.is_floating(kind) else np.full(count, None, dtype=object)


def _array(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """A column; NaN is null."""
    return pa.array(values, type=kind, from_pandas=True)
