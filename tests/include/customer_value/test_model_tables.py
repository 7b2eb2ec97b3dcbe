"""The tables of the dbt models: what is read from DuckDB, and what goes back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from include.customer_value import warehouse_relations
from include.customer_value.model_tables import (
    FITTED,
    PREDICTED,
    contracts_of,
    day_number,
    fitted_models,
    histories_of,
    predicted_rows,
)
from include.customer_value.predicted_value import ValueSettings
from include.customer_value.warehouse_relations import (
    STORE,
    cuts_of,
    gathered,
    model_store,
    read_contracts,
    read_cut,
    rows_of,
    value_settings,
)
from tests.support.simulated_customers import simulated_orders

SETTINGS = ValueSettings(0.1, 50, 50, 0.2, 365.0, 30)
CONTRACTS = """
    select * from (values
        (71, date '2026-01-31', 7, 12, 1, date '2025-07-01', date '2026-06-30', date '2025-07-01', date '2026-06-30',
         false, true, true, false, 100.0, 60),
        (91, date '2026-01-31', 9, 1, 1, date '2026-01-01', null, date '2026-01-01', date '2999-12-31',
         true, true, false, false, null, null)
    ) as t (contract_key, judged_from_date, customer_key, term_months, decision_number, start_date, end_date,
        in_force_from_date, in_force_to_date, is_open_ended, is_fitted, is_end_agreed, is_renewed, monthly_amount,
        monthly_margin)
"""
HISTORIES = (
    "customer_key bigint, as_of_date date, frequency bigint, recency_days bigint, age_days bigint, "
    "margin_day_count bigint, revenue_day_count bigint, margin_sum double, revenue_sum double, margin_total double, "
    "margin_revenue double, revenue_total double"
)


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    """A warehouse of 400 customers on three month-ends, and two contracts."""
    con = duckdb.connect()
    con.execute(f"create table contracts as {CONTRACTS}")
    con.execute(f"create table histories ({HISTORIES})")
    con.execute("create table months (reached_date date)")
    x, last, age = simulated_orders(2, 400, 0.8, 60.0, 0.7, 2.5, 700)
    for cut in ("2026-04-30", "2026-06-30"):
        con.execute("insert into months values (?), (?)", [cut, cut])
        for number in range(400):
            con.execute(
                "insert into histories values (?, ?, ?, ?, ?, ?, 0, ?, 0, ?, ?, 0)",
                [
                    number + 100, cut, int(x[number]), int(last[number]), int(age[number]), int(x[number]) + 1,
                    10.0 * (x[number] + 1), 10.0 * (x[number] + 1), 30.0 * (x[number] + 1),
                ],
            )  # fmt: skip
    return con


def test_nulls_and_dates_are_understood(con: duckdb.DuckDBPyConnection) -> None:
    found = contracts_of(con.table("contracts").order("customer_key").fetchnumpy())

    assert found.start.tolist() == [day_number(date(2025, 7, 1)), day_number(date(2026, 1, 1))]
    assert found.stated_end.tolist() == [day_number(date(2026, 6, 30)), day_number(date(2999, 12, 31))]
    assert found.amount[0] == 100.0
    assert np.isnan(found.amount[1])
    assert found.is_open_ended.tolist() == [False, True]


def test_contracts_are_those_judged_last_by_the_cut(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "insert into contracts "
        "select * replace (date '2026-05-31' as judged_from_date, 3 as term_months) from contracts"
    )
    read = read_contracts(con.table("contracts"))

    found = {cut: read(cut).term.tolist() for cut in (date(2026, 1, 30), date(2026, 5, 30), date(2026, 5, 31))}
    assert list(found.values()) == [[], [12, 1], [3, 3]]
    assert read(date(2026, 5, 30)).customer.tolist() == [7, 9]


def test_a_cut_is_read_by_ascending_customer(con: duckdb.DuckDBPyConnection) -> None:
    assert cuts_of(con.table("months")) == [date(2026, 4, 30), date(2026, 6, 30)]
    found = histories_of(read_cut(con.table("histories"))(date(2026, 6, 30)))

    assert found.customer.tolist() == list(range(100, 500))
    assert len(histories_of(read_cut(con.table("histories"))(date(2026, 5, 31)))) == 0


def test_from_relations_to_a_table_of_predictions(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    contracts = read_contracts(con.table("contracts"))
    read = read_cut(con.table("histories"))
    fitted = fitted_models(cuts_of(con.table("months")), read, contracts, SETTINGS, tmp_path)

    assert fitted.schema == FITTED
    told = [
        (row["as_of_date"].month, row["model_kind"], row["is_fitted"], row["warnings"]) for row in fitted.to_pylist()
    ]
    # every order is worth 10: nothing tells how customers differ in that
    assert [one[:3] for one in told] == [
        (4, "bg_nbd", True), (4, "gamma_gamma", True), (4, "sbg", False),
        (6, "bg_nbd", True), (6, "gamma_gamma", True), (6, "sbg", False),
    ]  # fmt: skip
    assert told[2][3] == "few_renewals"

    con.register("fitted_rows", fitted)
    rows = rows_of(con.sql("select * from fitted_rows"))
    batches = predicted_rows(rows, read, contracts, SETTINGS)
    found = gathered(con, "predicted", PREDICTED, batches)
    assert found.columns == PREDICTED.names
    by_cut = con.sql(
        "select as_of_date, count(*), count(p_alive), min(model_version) from predicted group by 1 order by 1"
    )
    april, june = by_cut.fetchall()
    assert april[1:3] == june[1:3] == (402, 400)
    assert {row["model_version"] for row in rows} == {april[3], june[3]}
    value, method, basis = con.sql(
        "select expected_order_value, contract_prediction_method, prediction_basis from predicted "
        "where customer_key = 100"
    ).fetchall()[0]
    assert (value, method, basis) == (pytest.approx(10, rel=0.05), None, "margin")


def test_nothing_gives_nothing(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    none = read_contracts(con.table("contracts").filter("false"))
    read = read_cut(con.table("histories"))

    assert fitted_models([], read, none, SETTINGS, tmp_path).num_rows == 0
    assert fitted_models([date(2020, 1, 31)], read, none, SETTINGS, tmp_path).num_rows == 0
    empty = gathered(con, "predicted", PREDICTED, predicted_rows([], read, none, SETTINGS))
    assert empty.fetchall() == []
    assert list(tmp_path.iterdir()) == []


def test_no_batch_is_lost_between_two_inserts(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse_relations, "_ROWS_TOGETHER", 3)
    schema = pa.schema([("n", pa.int64())])
    batches = [pa.record_batch([[n, n + 100]], schema=schema) for n in range(5)]
    found = gathered(con, "few", schema, iter(batches))
    assert sorted(found.fetchall()) == sorted((n + more,) for n in range(5) for more in (0, 100))


def test_settings_may_come_as_texts() -> None:
    told = {"annual_rate": "0.1", "min_repeat_buyers": "50", "min_decisions": 50, "correlation_limit": "0.2"}

    assert value_settings(**told, horizon_days="365", grace_days="30") == SETTINGS


def test_the_store_lies_beside_the_inputs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(STORE, raising=False)
    monkeypatch.setenv("METRICS_WAREHOUSE_INPUTS", str(tmp_path / "inputs"))
    assert model_store() == tmp_path / "models"

    monkeypatch.setenv(STORE, str(tmp_path / "mine"))
    assert model_store() == tmp_path / "mine"
