"""The tables of the dbt models `int_customer_value_fitted` and `int_customer_value_predicted`.

Rows come from the warehouse as columns (numpy arrays by name) and go back as Arrow; a cut is read, and let go, at a
time, so that months × customers need the memory of one month.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.customer_value.back_test import BackTest, back_test, renewal_back_test
from include.customer_value.contract_value import ALL_TERMS, NO_END, Contracts, as_known_before
from include.customer_value.digits import rounded
from include.customer_value.maximum_likelihood import Fit
from include.customer_value.model_store import ModelStore
from include.customer_value.order_value import OrderHistories, Worth
from include.customer_value.predicted_value import (
    MONTHS,
    CutModels,
    OrderModels,
    Prediction,
    RenewalModels,
    ValueSettings,
    fit_cut,
    predict_cut,
)
from include.customer_value.sbg import Decisions
from include.customer_value.warning_words import in_words, joined

Columns = Mapping[str, Any]
# The columns of the history of customers at a cut, which must have been fetched by ascending key.
ReadCut = Callable[[date], Columns]
# All contracts, judged by what was known of billing terms at a cut.
ReadContracts = Callable[[date], Contracts]
_FAR = np.datetime64(NO_END, "D")
# Length of the hold-out in days: the longest before which there is nearly as much to fit on.
HOLD_OUTS = (365, 182, 91)
_ENOUGH_BEFORE = 0.75
NO_DECISIONS = Decisions(np.zeros(0, np.int64), np.zeros(0, np.int64))
_PARAMETERS = ("r", "alpha", "a", "b", "p", "q", "gamma", "beta")
_BACK_TEST = tuple(BackTest.__dataclass_fields__)
FITTED = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("model_version", pa.string()),
        ("model_kind", pa.string()),
        ("term_months", pa.int64()),
        ("fit_version", pa.string()),
        ("is_fitted", pa.bool_()),
        ("is_converged", pa.bool_()),
        ("case_count", pa.int64()),
        ("customer_count", pa.int64()),
        ("repeat_buyer_count", pa.int64()),
        ("log_likelihood", pa.float64()),
        *((name, pa.float64()) for name in _PARAMETERS),
        *((f"{name}_se", pa.float64()) for name in _PARAMETERS),
        ("value_basis", pa.string()),
        ("margin_share", pa.float64()),
        ("kept_share", pa.float64()),
        ("value_correlation", pa.float64()),
        *((f"hold_out_{name}", pa.int64() if name in ("days", "customers") else pa.float64()) for name in _BACK_TEST),
        ("warnings", pa.string()),
        ("warnings_en", pa.string()),
        ("warnings_zh", pa.string()),
        ("fit", pa.string()),
    ]
)
PREDICTED = pa.schema(
    [
        ("customer_key", pa.int64()),
        ("as_of_date", pa.date32()),
        ("model_version", pa.string()),
        ("prediction_method", pa.string()),
        ("contract_prediction_method", pa.string()),
        ("prediction_basis", pa.string()),
        ("prediction_warnings", pa.string()),
        ("p_alive", pa.float64()),
        ("expected_orders_12m", pa.float64()),
        ("expected_order_value", pa.float64()),
        *((f"predicted_ltv_{months}m{bound}", pa.float64()) for months in MONTHS for bound in ("", "_low", "_high")),
        ("churn_probability", pa.float64()),
    ]
)


def histories_of(columns: Columns) -> OrderHistories:
    """Rows of `int_customer_order_history` of one cut."""
    names = {
        "customer": "customer_key",
        "frequency": "frequency",
        "recency": "recency_days",
        "age": "age_days",
        "margin_days": "margin_day_count",
        "margin_sum": "margin_sum",
        "revenue_days": "revenue_day_count",
        "revenue_sum": "revenue_sum",
        "margin_total": "margin_total",
        "margin_revenue": "margin_revenue",
        "revenue_total": "revenue_total",
    }
    floats = {"margin_sum", "revenue_sum", "margin_total", "margin_revenue", "revenue_total"}
    return OrderHistories(
        **{name: _array(columns[column], float if name in floats else np.int64) for name, column in names.items()}
    )


def contracts_of(columns: Columns) -> Contracts:
    """Rows of `int_contract_term` of one judgement."""
    return Contracts(
        customer=_array(columns["customer_key"], np.int64),
        term=_array(columns["term_months"], np.int64),
        decision=_array(columns["decision_number"], np.int64),
        start=_days(columns["start_date"]),
        begun=_days(columns["in_force_from_date"]),
        ended=_days(columns["in_force_to_date"]),
        stated_end=_days(columns["end_date"]),
        is_open_ended=_array(columns["is_open_ended"], np.bool_),
        is_fitted=_array(columns["is_fitted"], np.bool_),
        is_end_agreed=_array(columns["is_end_agreed"], np.bool_),
        is_renewed=_array(columns["is_renewed"], np.bool_),
        amount=_array(columns["monthly_amount"], float),
        margin=_array(columns["monthly_margin"], float),
    )


def _array(values: Any, kind: Any) -> Any:
    """A column without nulls; those of numbers become nan."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(float), np.nan) if kind is float else np.ma.filled(values, 0)
    return np.asarray(values).astype(kind)


def _days(values: Any) -> npt.NDArray[np.int64]:
    """Dates as days since 1970-01-01; null is far ahead."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.where(np.ma.getmaskarray(values), _FAR, values.data.astype("datetime64[D]"))
    days = np.asarray(values).astype("datetime64[D]")
    return np.where(np.isnat(days), _FAR, days).astype("datetime64[D]").astype(np.int64)


def day_number(cut: date) -> int:
    """Days since 1970-01-01."""
    return int(np.datetime64(cut, "D").astype(np.int64))


def fitted_models(
    cuts: Sequence[date], read: ReadCut, contracts: ReadContracts, settings: ValueSettings, store: Path
) -> pa.Table:
    """One row per cut and model; also one that says why there is none. `cuts` ascend."""
    kept = ModelStore(store)
    rows: list[dict[str, Any]] = []
    orders: dict[date, Fit | None] = {}
    renewals: dict[date, RenewalModels] = {}
    for cut in cuts:
        histories = histories_of(read(cut))
        models = fit_cut(day_number(cut), histories, contracts(cut), settings, kept)
        orders[cut], renewals[cut] = models.orders.orders, models.renewals
        if models.orders.orders is not None:
            models = replace(models, back_test=_back_test(cut, histories, orders, read))
        rows += _model_rows(cut, models, _renewal_back_tests(cut, renewals))
    return pa.Table.from_pylist(rows, schema=FITTED)


def _back_test(
    cut: date, histories: OrderHistories, orders: Mapping[date, Fit | None], read: ReadCut
) -> BackTest | None:
    """The model of the last cut that lies long enough ago, held against what has been ordered since."""
    for days in HOLD_OUTS:
        earlier = max((one for one in orders if (cut - one).days >= days), default=None)
        fit = orders[earlier] if earlier else None
        if earlier is None or fit is None:
            continue
        before = histories_of(read(earlier))
        passed = (cut - earlier).days
        if before.age.max(initial=0) < _ENOUGH_BEFORE * passed:
            continue
        now = histories.frequency[np.searchsorted(histories.customer, before.customer)]
        return back_test(fit, before.frequency, before.recency, before.age, now - before.frequency, passed)
    return None


def _renewal_back_tests(cut: date, renewals: Mapping[date, RenewalModels]) -> dict[int, BackTest]:
    """By term, the model that held for it long enough ago against what has been decided since."""
    for days in HOLD_OUTS:
        fitted = [one for one, models in renewals.items() if (cut - one).days >= days and models.fits]
        earlier = max(fitted, default=None)
        if earlier is None:
            continue
        before, passed = renewals[earlier], (cut - earlier).days
        found = {}
        for term, decided in renewals[cut].decisions.items():
            fit = before.fits.get(term, before.fits.get(ALL_TERMS))
            known = before.decisions.get(term, NO_DECISIONS)
            tested = renewal_back_test(fit, known, decided, passed) if fit else None
            if tested:
                found[term] = tested
        return found
    return {}


def _model_rows(cut: date, models: CutModels, renewal_tests: Mapping[int, BackTest]) -> Iterator[dict[str, Any]]:
    shared = {
        "as_of_date": cut,
        "model_version": models.version,
        "value_basis": models.worth.basis,
        "margin_share": float(rounded(models.worth.share, 6)),
        "kept_share": float(rounded(models.worth.kept, 6)),
    }
    costs = ["no_cost"] if models.worth.basis == "revenue" else []
    if models.orders.customers:
        yield from (shared | row for row in _order_rows(models, costs))
    decided = models.renewals.decisions
    for term, decisions in sorted(decided.items()):
        fit = models.renewals.fits.get(term)
        if fit is None and term == ALL_TERMS and len(decided) > 1:
            continue
        lacking = "few_renewals_of_term" if ALL_TERMS in models.renewals.fits else "few_renewals"
        row = _fit_row("sbg", fit, costs if fit else [lacking, *costs])
        counted = {"fit_version": models.renewals.version, "term_months": term, "case_count": decisions.cases}
        yield shared | row | counted | _held_out(renewal_tests.get(term))


def _order_rows(models: CutModels, costs: list[str]) -> Iterator[dict[str, Any]]:
    """The rows of BG/NBD, also where it could not be fitted, and of Gamma-Gamma."""
    orders, tested = models.orders, models.back_test
    counted = {
        "fit_version": orders.version,
        "customer_count": orders.customers,
        "repeat_buyer_count": orders.repeat_buyers,
    }
    is_worse = tested is not None and (tested.error > tested.naive_error or tested.brier > tested.naive_brier)
    held = _held_out(tested)
    warnings = [*orders.warnings, *costs, *(["worse_than_naive"] if is_worse else [])]
    yield counted | held | _fit_row("bg_nbd", orders.orders, warnings)
    if orders.orders:
        endless = ["infinite_mean"] if orders.values and orders.values["q"] <= 1 else []
        yield counted | {"value_correlation": orders.correlation} | _fit_row("gamma_gamma", orders.values, endless)


def _held_out(tested: BackTest | None) -> dict[str, float | int | None]:
    return {f"hold_out_{name}": _told(value) for name, value in asdict(tested).items()} if tested else {}


def _told(value: float) -> float | int | None:
    if isinstance(value, int):
        return value
    return float(rounded(value, 8)) if np.isfinite(value) else None


def _fit_row(kind: str, fit: Fit | None, warnings: Sequence[str]) -> dict[str, Any]:
    codes = [*warnings, *(fit.warnings if fit else ())]
    row: dict[str, Any] = {
        "model_kind": kind,
        "is_fitted": fit is not None,
        "warnings": joined(codes),
        "warnings_en": in_words(codes),
        "warnings_zh": in_words(codes, chinese=True),
    }
    if fit is None:
        return row
    errors = {f"{name}_se": float(rounded(fit.standard_error(name), 6)) for name in fit.names}
    return (
        row
        | dict(zip(fit.names, fit.values, strict=True))
        | errors
        | {
            "is_converged": fit.converged,
            "case_count": fit.cases,
            "log_likelihood": fit.log_likelihood,
            "fit": json_text(fit),
        }
    )


def json_text(fit: Fit) -> str:
    """A fit as the text that `int_customer_value_fitted` carries to the model after it."""
    return json.dumps(fit.as_json(), sort_keys=True)


def predicted_rows(
    fitted: Sequence[Mapping[str, Any]], read: ReadCut, contracts: ReadContracts, settings: ValueSettings
) -> Iterator[pa.RecordBatch]:
    """One row per cut and customer with an order by it, or a contract in force, a batch per cut.

    `fitted` are the rows of the table of `fitted_models`. The last cut, the as-of date, knows all ends on record.
    """
    by_cut: dict[date, list[Mapping[str, Any]]] = {}
    for row in fitted:
        by_cut.setdefault(row["as_of_date"], []).append(row)
    for cut in sorted(by_cut):
        histories = histories_of(read(cut))
        models = _models_of(by_cut[cut])
        day = day_number(cut)
        known = contracts(cut) if cut == max(by_cut) else as_known_before(contracts(cut), day)
        prediction = predict_cut(day, histories, known, models, settings)
        warnings = [code for row in by_cut[cut] for code in (row["warnings"] or "").split(",") if code]
        yield _batch(cut, prediction, models, joined(warnings))


def _models_of(rows: Sequence[Mapping[str, Any]]) -> CutModels:
    """The models of a cut, as far as a prediction needs them."""
    by_kind = {row["model_kind"]: row for row in rows if row["model_kind"] != "sbg"}
    fits = {
        row["term_months"]: Fit.from_json(json.loads(row["fit"]))
        for row in rows
        if row["model_kind"] == "sbg" and row["fit"]
    }
    order_fits = {kind: Fit.from_json(json.loads(row["fit"])) for kind, row in by_kind.items() if row["fit"]}
    first = rows[0]
    return CutModels(
        first["model_version"],
        Worth(first["value_basis"], first["margin_share"], first["kept_share"]),
        OrderModels("", 0, 0, order_fits.get("bg_nbd"), order_fits.get("gamma_gamma")),
        RenewalModels("", {}, fits),
    )


def _batch(cut: date, found: Prediction, models: CutModels, warnings: str | None) -> pa.RecordBatch:
    count = len(found.customer)
    columns: dict[str, Any] = {
        "customer_key": found.customer,
        "as_of_date": pa.array([cut] * count, pa.date32()),
        "model_version": pa.array([models.version] * count),
        "prediction_method": _texts(found.order_method),
        "contract_prediction_method": _texts(found.contract_method),
        "prediction_basis": pa.array([models.worth.basis] * count),
        "prediction_warnings": pa.array([warnings] * count, pa.string()),
        "p_alive": _numbers(found.p_alive, 8),
        "expected_orders_12m": _numbers(found.orders, 8),
        "expected_order_value": _numbers(found.order_value, 4),
        "churn_probability": _numbers(found.churn, 8),
    }
    for place, months in enumerate(MONTHS):
        for bound, values in (("", found.worth), ("_low", found.low), ("_high", found.high)):
            columns[f"predicted_ltv_{months}m{bound}"] = _numbers(values[:, place], 4)
    return pa.RecordBatch.from_pydict(columns, schema=PREDICTED)


def _numbers(values: npt.NDArray[np.float64], places: int) -> pa.Array:
    """Numbers to some places, as more would be the machine's; nan is null."""
    return pa.array(np.round(values, places) + 0.0, pa.float64(), from_pandas=True)


def _texts(values: npt.NDArray[np.str_]) -> pa.Array:
    return pa.array(values.astype(object), pa.string(), mask=values == "")
