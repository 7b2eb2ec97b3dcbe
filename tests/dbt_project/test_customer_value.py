"""Predicted value in the warehouse: a made-up company, held against the formulas written out customer by customer."""

from __future__ import annotations

import math
import random
import shutil
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.warehouse_fixture import WarehouseFixture

LAST = date(2026, 6, 15)
CUTS = [date(2026, 5, 31), LAST]
MODELS = ("+fct_customer_value", "+fct_customer_value_model")
TABLES = (
    "intermediate.int_customer_value_fitted",
    "intermediate.int_customer_value_predicted",
    "marts.fct_customer_value",
    "marts.fct_customer_value_model",
)


def company(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Orders of customers who order at rates of their own and leave; contracts of a year or half of one in chains."""
    pick = random.Random(seed)
    orders, contracts = [], []
    for customer in range(150):
        day, rate, leaving = (
            pick.randrange(20, 540), pick.gammavariate(1.1, 1 / 70), pick.betavariate(1.0, 4.0)
        )  # fmt: skip
        while day < 560:
            orders.append({"customer_id": f"C{customer}", "ordered_at": day_at(day), **order_money(pick)})
            if pick.random() < 0.1:  # once more on that day
                orders.append({"customer_id": f"C{customer}", "ordered_at": day_at(day), **order_money(pick)})
            if pick.random() < leaving:
                break
            day += 1 + int(pick.expovariate(rate))
    for customer in range(90, 190):
        begin, leaving, months = pick.randrange(-600, 500), pick.betavariate(1.0, 3.0), pick.choice([6, 6, 12])
        while begin < 560:
            end = begin + months * 365 // 12 - 1
            contracts.append(
                {"customer_id": f"C{customer}", "start_date": day_at(begin).date(), "end_date": day_at(end).date(),
                 "monthly_amount": Decimal(100), "monthly_cost": Decimal(40) if customer % 3 else None,
                 "currency": "USD" if customer % 20 == 0 else "CNY", "billing_term_months": 1}
            )  # fmt: skip
            if pick.random() < leaving:
                break
            begin = end + 1 + (pick.randrange(20) if pick.random() < 0.1 else 0)
    for number, order in enumerate(orders):
        order["order_id"] = f"O{number}"
    for number, contract in enumerate(contracts):
        contract["contract_id"] = f"N{number}"
    return orders, contracts


def day_at(number: int) -> datetime:
    """Noon in Shanghai of a day; day 560 is the last one."""
    return datetime(LAST.year, LAST.month, LAST.day, 4) + timedelta(days=number - 560)


def order_money(pick: random.Random) -> dict[str, Any]:
    amount = Decimal(pick.randrange(2000, 30000)) / 100
    return {
        "amount": amount,
        "cost": None if pick.random() < 0.2 else round(amount * Decimal("0.6"), 2),
        "refund_amount": amount if pick.random() < 0.05 else None,
        "currency": "USD" if pick.random() < 0.03 else "CNY",
    }


def filled(folder: Path, orders: list[dict[str, Any]], contracts: list[dict[str, Any]], as_of: str) -> WarehouseFixture:
    home = WarehouseFixture(folder, as_of=as_of)
    last = date.fromisoformat(as_of)
    home.deliver("order", [one for one in orders if one["ordered_at"].date() <= last])
    home.deliver("contract", [one for one in contracts if one["start_date"] <= last])
    return home


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> WarehouseFixture:
    """The company on its last night."""
    home = filled(tmp_path_factory.mktemp("value"), *company(4), as_of="2026-06-15")
    home.build("--select", *MODELS, tests=False)
    return home


def histories(orders: list[dict[str, Any]], cut: date) -> dict[str, tuple[int, int, int]]:
    """x, t_x and T of each customer, from its order days."""
    days: dict[str, set[date]] = defaultdict(set)
    for order in orders:
        if order["ordered_at"].date() <= cut:
            days[order["customer_id"]].add(order["ordered_at"].date())
    return {
        name: (len(found) - 1, (max(found) - min(found)).days, (cut - min(found)).days) for name, found in days.items()
    }


def parameters(warehouse: WarehouseFixture, cut: date, kind: str, term: int | None = None) -> dict[str, Any]:
    (row,) = warehouse.rows(
        "select * from marts.fct_customer_value_model where as_of_date = ? and model_kind = ? "
        "and term_months is not distinct from ?",
        cut,
        kind,
        term,
    )
    return row


def values(warehouse: WarehouseFixture, cut: date) -> dict[str, dict[str, Any]]:
    rows = warehouse.rows(
        "select c.customer_id, v.* from marts.fct_customer_value v join marts.dim_customer c using (customer_key) "
        "where as_of_date = ?",
        cut,
    )
    return {row["customer_id"]: row for row in rows}


@pytest.mark.parametrize("cut", CUTS)
def test_orders_are_predicted_as_the_formulas_say(warehouse: WarehouseFixture, cut: date) -> None:
    orders, _ = company(4)
    known = histories(orders, cut)
    fitted = parameters(warehouse, cut, "bg_nbd")
    r, alpha, a, b = (fitted[name] for name in ("r", "alpha", "a", "b"))
    found = values(warehouse, cut)

    assert fitted["customer_count"] == len(known) > 100
    assert fitted["repeat_buyer_count"] == sum(x > 0 for x, _, _ in known.values()) > 50
    for name, (x, last, age) in known.items():
        row = found[name]
        assert row["prediction_method"] == "bg_nbd"
        odds = a / (b + x - 1) * ((alpha + age) / (alpha + last)) ** (r + x) if x else 0.0
        assert row["p_alive"] == pytest.approx(1 / (1 + odds), abs=1e-7), name
        if row["contract_prediction_method"] == "none":
            silent = 1 - row["p_alive"] * (1 - ((alpha + age) / (alpha + age + 365)) ** (r + x))
            assert row["churn_probability"] == pytest.approx(silent, abs=1e-6), name
            assert row["predicted_ltv_12m"] == pytest.approx(
                row["expected_orders_12m"] * row["expected_order_value"] / 1.1**0.5, rel=0.02
            )
    assert {row["prediction_method"] for name, row in found.items() if name not in known} == {"none"}


@pytest.mark.parametrize("cut", CUTS)
def test_contracts_are_predicted_as_a_loop_over_days_says(warehouse: WarehouseFixture, cut: date) -> None:
    _, contracts = company(4)
    found, known = values(warehouse, cut), {one["customer_id"]: one for one in contracts if one["start_date"] <= cut}
    compared = 0
    for name, last in known.items():
        row = found[name]
        if last["end_date"] < cut:
            assert row["contract_prediction_method"] == "none"
            continue
        before = [one for one in contracts if one["customer_id"] == name and one["start_date"] < last["start_date"]]
        months = 12 if (last["end_date"] - last["start_date"]).days > 300 else 6
        fitted = parameters(warehouse, cut, "sbg", months)
        if not fitted["is_fitted"]:
            assert fitted["warnings"] == "few_renewals_of_term"
            fitted = parameters(warehouse, cut, "sbg", 0)
        assert row["contract_prediction_method"] == ("sbg_all_terms" if fitted["term_months"] == 0 else "sbg")
        if row["prediction_method"] != "none" or last["currency"] == "USD":
            continue
        # an unknown cost has the share of the known ones, 60 of 100 as well
        expected, chance, renewals = 0.0, 1.0, len(before)
        ends = float((last["end_date"] - cut).days)
        for day in range(365):
            if day >= ends:
                chance *= (fitted["beta"] + renewals) / (fitted["alpha"] + fitted["beta"] + renewals)
                renewals += 1
                ends += months * 365 / 12
            expected += 60 * 12 / 365 * chance * 1.1 ** (-(day + 0.5) / 365)
        assert row["predicted_ltv_12m"] == pytest.approx(expected, rel=0.01), name
        assert row["churn_probability"] == pytest.approx(1 - chance, abs=0.2), name
        compared += 1
    assert compared > 15


def test_longer_is_worth_more_and_within_its_interval(warehouse: WarehouseFixture) -> None:
    faults = warehouse.rows(
        "select * from marts.fct_customer_value where predicted_ltv_12m is not null and not ("
        "predicted_ltv_12m <= predicted_ltv_24m and predicted_ltv_24m <= predicted_ltv_36m and predicted_ltv_12m >= 0 "
        "and predicted_ltv_12m between predicted_ltv_12m_low and predicted_ltv_12m_high "
        "and predicted_ltv_36m between predicted_ltv_36m_low and predicted_ltv_36m_high)"
    )
    assert faults == []


def test_every_prediction_names_its_models_and_every_model_its_warnings(warehouse: WarehouseFixture) -> None:
    lost = warehouse.rows(
        "select * from marts.fct_customer_value v where model_version is not null and not exists ("
        "select 1 from marts.fct_customer_value_model m where m.as_of_date = v.as_of_date "
        "and m.model_version = v.model_version)"
    )
    assert lost == []
    rows = warehouse.rows("select * from marts.fct_customer_value_model")
    assert {row["model_kind"] for row in rows} == {"bg_nbd", "gamma_gamma", "sbg"}
    for row in rows:
        assert row["is_fitted"] or row["warnings"]
        assert (row["warnings"] is None) == (row["warnings_zh"] is None) == (row["warnings_en"] is None)
    early = [row for row in rows if row["model_kind"] == "bg_nbd" and not row["is_fitted"]]
    assert early
    assert {row["warnings"] for row in early} == {"few_repeat_buyers"}
    cohort = warehouse.value(
        "select count(*) from marts.fct_customer_value where prediction_method = 'cohort_mean' and p_alive is null "
        "and expected_orders_12m >= 0 and predicted_ltv_12m is not null"
    )
    assert cohort > 0
    tested = parameters(warehouse, LAST, "bg_nbd")
    assert tested["hold_out_days"] >= 91
    assert 0.5 < tested["hold_out_auc"] < 1
    assert math.isfinite(tested["hold_out_predicted"])
    renewals = [
        row for row in rows if row["model_kind"] == "sbg" and row["as_of_date"] == LAST and row["hold_out_days"]
    ]
    assert renewals
    for row in renewals:
        assert row["hold_out_days"] >= 91
        assert row["hold_out_predicted"] == pytest.approx(row["hold_out_actual"], abs=0.15)


def test_the_fit_is_that_of_more_than_one_start(warehouse: WarehouseFixture) -> None:
    """No other place has a higher likelihood: the textbook's formula, at the parameters and around them."""
    known = histories(company(4)[0], LAST)
    fitted = parameters(warehouse, LAST, "bg_nbd")
    at = np.log([fitted[name] for name in ("r", "alpha", "a", "b")])
    best = textbook(at, known)
    assert fitted["log_likelihood"] == pytest.approx(best, rel=1e-8)
    rng = np.random.default_rng(0)
    for size in (0.01, 0.1, 1.0):
        for _ in range(10):
            assert textbook(at + size * rng.standard_normal(4), known) < best


def textbook(logs: np.ndarray, known: dict[str, tuple[int, int, int]]) -> float:
    r, alpha, a, b = np.exp(logs)
    beta = lambda one, two: math.lgamma(one) + math.lgamma(two) - math.lgamma(one + two)  # noqa: E731
    total = 0.0
    for x, last, age in known.values():
        stayed = beta(a, b + x) - beta(a, b) - (r + x) * math.log(alpha + age)
        gone = beta(a + 1, b + x - 1) - beta(a, b) - (r + x) * math.log(alpha + last) if x else -math.inf
        total += math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha) + float(np.logaddexp(stayed, gone))
    return total


def test_the_same_data_give_the_same_whatever_was_kept_and_in_any_order(
    warehouse: WarehouseFixture, tmp_path: Path
) -> None:
    orders, contracts = company(4)
    random.Random(1).shuffle(orders)
    random.Random(2).shuffle(contracts)
    other = filled(tmp_path, orders, contracts, as_of="2026-06-15")
    other.build("--select", *MODELS, tests=False)
    kept = sorted(path.name for path in (other.folder / "warehouse" / "models").glob("*.json"))
    assert kept == sorted(path.name for path in (warehouse.folder / "warehouse" / "models").glob("*.json")) != []
    assert tables(other) == tables(warehouse)

    # from what is kept
    other.build("--select", *(name.lstrip("+") for name in TABLES_TO_BUILD), tests=False)
    assert tables(other) == tables(warehouse)


TABLES_TO_BUILD = ("int_customer_value_fitted", "int_customer_value_predicted", "fct_customer_value")


def test_what_comes_later_changes_no_earlier_day(warehouse: WarehouseFixture, tmp_path: Path) -> None:
    earlier = filled(tmp_path, *company(4), as_of="2026-03-31")
    earlier.build("--select", *MODELS, tests=False)
    shutil.rmtree(earlier.folder / "warehouse" / "models")
    columns = (
        "as_of_date, customer_id, p_alive, expected_orders_12m, expected_order_value, predicted_ltv_12m, "
        "predicted_ltv_36m_high, prediction_method, contract_prediction_method, churn_probability, v.model_version"
    )
    query = (
        f"select {columns} from marts.fct_customer_value v join marts.dim_customer using (customer_key) "
        "where as_of_date <= date '2026-02-28' order by all"
    )
    before, after = earlier.rows(query), warehouse.rows(query)
    assert len(before) > 1000
    assert before == after
    models = (
        "select * exclude (is_current) from marts.fct_customer_value_model "
        "where as_of_date <= date '2026-02-28' order by all"
    )
    assert earlier.rows(models) == warehouse.rows(models)


def tables(home: WarehouseFixture) -> dict[str, list[dict[str, Any]]]:
    """All rows; what merely says how rows came in is no part of them."""
    return {name: home.rows(f"select * from {name} order by all") for name in TABLES}
