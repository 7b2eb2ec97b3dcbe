"""What a month-end says of contracts: twins who differ only in what came after it are told alike."""

from __future__ import annotations

from datetime import date
from math import log
from typing import Any

import pytest

from include.configuration.health import HealthConfiguration
from include.configuration.health_tables import health_rows
from include.configuration.loading import read_part
from include.settings import PROJECT_ROOT
from tests.support.warehouse_fixture import WarehouseFixture

AS_OF = "2026-07-31"
JUNE = date(2026, 6, 30)
# of each customer: first day, last day and currency of its contracts
CONTRACTS: dict[str, list[tuple[date, date | None, str]]] = {
    "late": [(date(2025, 6, 11), date(2026, 6, 10), "CNY"), (date(2026, 7, 5), date(2027, 7, 4), "CNY")],
    "never": [(date(2025, 6, 11), date(2026, 6, 10), "CNY")],
    "rolling_on": [(date(2025, 1, 10), None, "CNY")],
    "rolling_ended": [(date(2025, 1, 10), date(2026, 7, 15), "CNY")],
    "rolling_given_notice": [(date(2025, 1, 10), date(2026, 12, 31), "CNY")],
    "no_rate": [(date(2025, 9, 1), date(2026, 8, 31), "XAF")],
    "two_years": [(date(2025, 8, 1), date(2027, 7, 31), "CNY")],
    # from July on most of what runs by the year has no last day
    **{f"new_{number}": [(date(2026, 7, 2), None, "CNY")] for number in range(6)},
    "no_rate_beside": [(date(2025, 9, 1), date(2026, 8, 31), "XAF"), (date(2025, 9, 2), date(2026, 8, 31), "CNY")],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> WarehouseFixture:
    """A year of contracts, of which the source may write the last day when somebody leaves."""
    home = WarehouseFixture(tmp_path_factory.mktemp("hindsight"), as_of=AS_OF)
    configuration = read_part(PROJECT_ROOT / "config", "health.yml", HealthConfiguration)
    for table, rows in health_rows(configuration).items():
        late_ends = {"is_contract_end_agreed": False} if table == "health_setting" else {}
        home.control(table, [{**row, **late_ends} for row in rows])
    home.deliver(
        "contract",
        [
            {
                "contract_id": f"{name}-{number}",
                "customer_id": name,
                "start_date": start,
                "end_date": end,
                "billing_term_months": 1 if name.startswith("rolling") else 12,
                "monthly_amount": 100,
                "monthly_cost": 40,
                "currency": currency,
            }
            for name, many in CONTRACTS.items()
            for number, (start, end, currency) in enumerate(many)
        ],
    )
    home.build("--select", "+fct_customer_health", "+int_customer_feature", tests=False)
    return home


def told(home: WarehouseFixture, table: str, name: str, cut: date) -> dict[str, Any]:
    """The row of a customer at a month-end, without what names the row."""
    (row,) = home.rows(
        f"select told.* from {table} as told join marts.dim_customer using (customer_key) "
        "where customer_id = ? and as_of_date = ?",
        name,
        cut,
    )
    keys = ("customer_key", "customer_version_key", "customer_feature_key", "customer_value_key", "is_lost")
    return {column: value for column, value in row.items() if column not in keys}


def test_a_gap_does_not_know_of_the_renewal_that_will_close_it(home: WarehouseFixture) -> None:
    late, never = (told(home, "intermediate.int_customer_feature", name, JUNE) for name in ("late", "never"))
    assert late["customer_kind"] == "in_grace"
    assert late["revenue_12m"] == pytest.approx(100 * (11 + 10 / 30))
    assert late == never
    late, never = (told(home, "marts.fct_customer_value", name, JUNE) for name in ("late", "never"))
    assert late == never


def test_the_gap_counts_once_the_renewal_is_there(home: WarehouseFixture) -> None:
    late, never = (told(home, "marts.fct_customer_value", name, date(2026, 7, 31)) for name in ("late", "never"))
    assert float(late["ltv_revenue"] - never["ltv_revenue"]) == pytest.approx(100 * (20 / 30 + 1), abs=1e-3)


@pytest.mark.parametrize("cut", [date(2025, 12, 31), JUNE])
def test_nobody_knew_when_a_rolling_contract_would_be_ended(home: WarehouseFixture, cut: date) -> None:
    on, ended, notice = (
        told(home, "marts.fct_customer_value", name, cut)
        for name in ("rolling_on", "rolling_ended", "rolling_given_notice")
    )
    assert on["predicted_ltv_12m"] > 0
    assert on == ended == notice


def test_a_month_end_judges_billing_terms_by_contracts_begun_by_then(home: WarehouseFixture) -> None:
    judged = home.rows(
        "select due.start_date, term.* from intermediate.int_contract_term as term "
        "join marts.dim_contract as due using (contract_key) where contract_id = 'two_years-0' "
        "order by judged_from_date"
    )
    assert [(row["is_open_ended"], row["term_months"], row["is_current"]) for row in judged[-2:]] == [
        (False, 24, False),
        (True, 12, True),
    ]
    assert judged[-1]["judged_from_date"] == date(2026, 7, 31)
    # 396 days are agreed; the term of a year ends after 31
    assert float(told(home, "marts.fct_customer_value", "two_years", JUNE)["predicted_ltv_12m"]) == pytest.approx(
        60 * 12 * (1 - 1 / 1.1) / log(1.1), rel=0.001
    )


def test_the_as_of_date_knows_of_a_notice(home: WarehouseFixture) -> None:
    on, notice = (
        told(home, "marts.fct_customer_value", name, date(2026, 7, 31))
        for name in ("rolling_on", "rolling_given_notice")
    )
    # 153 days are agreed
    assert notice["predicted_ltv_12m"] > on["predicted_ltv_12m"]
    assert notice["predicted_ltv_12m"] == pytest.approx(60 * 12 * 153 / 365, rel=0.03)


def test_what_has_no_rate_is_worth_nobody_knows_what(home: WarehouseFixture) -> None:
    alone, beside = (
        told(home, "marts.fct_customer_value", name, date(2026, 7, 31)) for name in ("no_rate", "no_rate_beside")
    )
    values = [f"predicted_ltv_{months}m{bound}" for months in (12, 24, 36) for bound in ("", "_low", "_high")]
    assert [alone[name] for name in values] == [None] * 9
    assert alone["left_out_reason"] == beside["left_out_reason"] == "other_currency"
    assert alone["contract_prediction_method"] != "none"
    # what is known of the other is 31 days of 60 a month
    assert beside["predicted_ltv_12m"] == pytest.approx(60 * 12 * 31 / 365, rel=0.01)
