"""Tables of churn models and scores over relations of DuckDB: made-up customers of two years, some of them lost."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from include.customer_value import churn_tables
from include.customer_value.churn_tables import (
    SCORED,
    churn_settings,
    fitted_models,
    items_of,
    scored_customers,
)
from include.customer_value.churn_windows import month_ends
from include.customer_value.explanations import reason_codes
from include.customer_value.feature_list import FEATURE_NAMES
from include.customer_value.logistic import expit
from include.customer_value.model_store import ModelStore
from include.customer_value.satisfaction_tables import links_of
from include.settings import PROJECT_ROOT

CUSTOMERS = 1500
ENDS = month_ends([date(2024, 1, 31) + timedelta(days=n) for n in range(882)])  # to 2026-06-30
SETTINGS = churn_settings(
    {
        "coverage_min": 10,
        "contract_horizon_days": 90,
        "order_horizon_days": 180,
        "min_losses": 30,
        "refit_months": 6,
    },
    grace_days=30,
)
ITEMS = [
    {
        "valid_from": date(1900, 1, 1),
        "component": component,
        "component_weight": Decimal(weight),
        "feature": feature,
        "item_weight": Decimal(1) if feature else None,
        "worst": Decimal(worst),
        "best": Decimal(best),
    }
    for component, weight, feature, worst, best in (
        ("service", 50, "tickets_90d", 10, 0),
        ("experience", 40, "last_csat", 0, 100),
        ("payment", 10, None, 0, 0),
    )
]


def features(until: date = ENDS[-1]) -> pa.Table:
    """Rows of `int_customer_feature` as they stand on a day: outcomes are null until known."""
    parts = []
    for number, end in enumerate(ENDS):
        if end > until:
            break
        rng = np.random.default_rng(number)
        values = {name: np.full(CUSTOMERS, np.nan) for name in FEATURE_NAMES}
        values["tickets_90d"] = rng.poisson(2, CUSTOMERS).astype(float)
        values["last_csat"] = np.where(rng.random(CUSTOMERS) < 0.5, rng.uniform(0, 100, CUSTOMERS), np.nan)
        values["tenure_days"] = rng.uniform(0, 2000, CUSTOMERS)
        risk = expit(-3.6 + 0.5 * values["tickets_90d"] - 0.03 * np.nan_to_num(values["last_csat"] - 50))
        # the outcome of the one in grace, the last, is known after the days of grace
        known = np.array([end + timedelta(days=120)] * (CUSTOMERS - 1) + [end + timedelta(days=30)])
        lost = pa.array(rng.random(CUSTOMERS) < risk, mask=known > until)
        parts.append(
            pa.table(
                {
                    "customer_feature_key": pa.array(np.arange(CUSTOMERS) * 1000 + number),
                    "customer_key": pa.array(np.arange(CUSTOMERS) * 977),
                    "as_of_date": pa.array([end] * CUSTOMERS),
                    "customer_kind": pa.array(["contract"] * (CUSTOMERS - 1) + ["in_grace"]),
                    "is_lost": lost,
                    **{name: pa.array(column, from_pandas=True) for name, column in values.items()},
                }
            )
        )
    return pa.concat_tables(parts)


def relation(table: pa.Table, shuffled: bool = False) -> duckdb.DuckDBPyRelation:
    """The table as DuckDB hands it to a model."""
    if shuffled:
        table = table.take(pa.array(np.random.default_rng(1).permutation(len(table))))
    return duckdb.connect().from_arrow(table)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    return ModelStore(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def fitted(store: ModelStore) -> pa.Table:
    return fitted_models(relation(features()), SETTINGS, store)


def test_models_of_half_years_and_their_test(fitted: pa.Table) -> None:
    contracts = [row for row in fitted.to_pylist() if row["customer_kind"] == "contract"]
    models = {row["fit_date"]: row for row in contracts if row["parameters"]}
    assert list(models) == [day for day in ENDS if day.month in (6, 12)]
    first, last = models[date(2024, 6, 30)], models[date(2026, 6, 30)]
    assert (first["reason"], first["model_kind"], first["auc"]) == ("too_few_windows", None, None)
    assert last["is_used"]
    assert last["auc"] > 0.65
    assert last["brier"] < last["naive_brier"]
    assert (last["test_from_date"], last["test_to_date"]) == (date(2025, 11, 30), date(2026, 2, 28))
    assert last["training_row_count"] == (CUSTOMERS - 1) * len(
        [day for day in ENDS if last["training_from_date"] <= day <= last["training_to_date"]][::3]
    )
    bins = [row for row in contracts if row["fit_date"] == date(2026, 6, 30)]
    assert sum(row["bin_row_count"] for row in bins) == last["test_row_count"]


def test_what_is_stored_is_not_fitted_again(
    fitted: pa.Table, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(churn_tables, "fit_churn_model", never)
    assert fitted_models(relation(features(), shuffled=True), SETTINGS, store).equals(fitted)


def test_without_the_store_and_in_any_order_it_is_the_same(fitted: pa.Table, tmp_path: Path) -> None:
    assert fitted_models(relation(features(), shuffled=True), SETTINGS, ModelStore(tmp_path)).equals(fitted)


def test_a_month_end_says_the_same_before_and_after_the_future_came(
    fitted: pa.Table, store: ModelStore, tmp_path: Path
) -> None:
    then = date(2025, 12, 31)
    early = features(until=then)
    fitted_early = fitted_models(relation(early), SETTINGS, ModelStore(tmp_path))
    before = {row["customer_feature_key"]: row for row in score(early, fitted_early).to_pylist()}
    after = {row["customer_feature_key"]: row for row in score(features(), fitted).to_pylist()}
    assert before
    assert before == {key: after[key] for key in before}


def score(table: pa.Table, fitted: pa.Table) -> pa.Table:
    """The scored rows."""
    batches = list(scored_customers(relation(table, shuffled=True), relation(fitted), ITEMS, SETTINGS))
    # one month-end at a time is held in memory
    assert len(batches) == len(set(table["as_of_date"].to_pylist()))
    return pa.Table.from_batches(batches, schema=SCORED)


def test_scores_and_reasons_of_the_last_day(fitted: pa.Table) -> None:
    table = features()
    found = {row["customer_feature_key"]: row for row in score(table, fitted).to_pylist()}
    assert len(found) == len(table)
    last = [row for row in table.to_pylist() if row["as_of_date"] == ENDS[-1]]
    riskiest = max(last, key=lambda row: found[row["customer_feature_key"]]["churn_probability"] or 0)
    row = found[riskiest["customer_feature_key"]]
    assert (row["used_model"], row["reason_source"]) == ("model", "model")
    assert row["reason_1"] in ("tickets_90d_high", "last_csat_low")
    in_grace = found[last[-1]["customer_feature_key"]]
    # of one customer a month nothing is learned
    assert in_grace["used_model"] == "naive"
    assert in_grace["churn_probability"] == in_grace["naive_rate"] > 0
    assert in_grace["reason_source"] in ("health", None)
    assert in_grace["payment_score"] is None
    for row in found.values():
        assert row["churn_probability"] is None or 0 <= row["churn_probability"] <= 1
        assert row["health_score"] is None or 0 <= row["health_score"] <= 100


def test_nothing_is_scored_of_nobody(tmp_path: Path) -> None:
    nobody = features().slice(0, 0)
    fitted = fitted_models(relation(nobody), SETTINGS, ModelStore(tmp_path))
    assert len(fitted) == 0
    assert len(score(nobody, fitted)) == 0


def test_weights_hold_from_their_day_on() -> None:
    later = [{**row, "valid_from": date(2026, 1, 1), "component_weight": Decimal(1)} for row in ITEMS[:1]]
    assert items_of([*ITEMS, *later], date(2025, 12, 31))[1] == {"service": 50, "experience": 40, "payment": 10}
    assert items_of([*ITEMS, *later], date(2026, 1, 1))[1] == {"service": 1}
    assert items_of(later, date(2025, 12, 31)) == ([], {})


def test_every_reason_has_words_in_both_languages() -> None:
    with (PROJECT_ROOT / "dbt_project" / "seeds" / "risk_reason.csv").open(encoding="utf-8") as file:
        words = {row["reason"]: row for row in csv.DictReader(file)}
    verdicts = {"too_few_windows", "too_few_losses", "no_features", "not_better_than_naive", "gain_within_noise"}
    links = {"too_few_customers", "all_alike", "not_converged"}
    assert words.keys() == {*reason_codes(FEATURE_NAMES), *verdicts, *links}
    assert all(row["label_en"] and any("一" <= letter <= "龥" for letter in row["label_zh"]) for row in words.values())


def test_links_count_each_customer_once_and_purposes_apart() -> None:
    rng = np.random.default_rng(2)
    count = 2000
    pomp = rng.uniform(0, 100, count)
    kept = rng.random(count) < expit(0.5 + 0.03 * (pomp - 50))
    cases = pa.table(
        {
            "score_kind": ["csat"] * count + ["nps"] * 20,
            "purpose": ["transactional"] * count + ["relationship"] * 20,
            "customer_key": pa.array([*range(count - 50), *range(50), *range(20)]),
            "response_key": pa.array(range(count + 20)),
            "measured_date": pa.array([date(2025, 1, 1)] * (count - 50) + [date(2025, 5, 1)] * 70),
            "pomp": pa.array([*pomp, *pomp[:20]]),
            "is_retained": pa.array([*kept, *kept[:20]]),
            "is_repurchased": pa.nulls(count + 20, pa.bool_()),
            "revenue_after": pa.array([*(pomp * 3), *pomp[:20]]),
            "tier": pa.array([None if n % 3 else "vip" for n in range(count + 20)], pa.string()),
            "product_line": pa.array(["lock"] * (count + 20)),
            "tenure_days": pa.array(range(count + 20)),
        }
    )
    rows = {(row["score_kind"], row["outcome"]): row for row in links_of(relation(cases, shuffled=True)).to_pylist()}
    link = rows["csat", "retained"]
    assert link["customer_count"] == count - 50
    assert link["spearman_low"] > 0
    assert link["odds_ratio_low"] < np.exp(0.3) < link["odds_ratio_high"]
    assert link["adjusted_for"] == "tenure,tier,product_line"
    assert rows["csat", "revenue_after"]["spearman"] == pytest.approx(1)
    assert rows["csat", "repurchased"]["spearman_reason"] == "too_few_customers"
    assert rows["nps", "retained"]["spearman_reason"] == "too_few_customers"
