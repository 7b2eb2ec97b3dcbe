"""Health and churn warning through dbt: what a month-end says does not change when later days come."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from include.configuration.health import HealthConfiguration
from include.configuration.health_tables import health_rows
from include.configuration.loading import read_part
from include.settings import PROJECT_ROOT
from tests.support.warehouse_fixture import WarehouseFixture

EARLIER, LATER = "2026-03-31", "2026-06-30"
SHIPPED = read_part(PROJECT_ROOT / "config", "health.yml", HealthConfiguration)
FEATURES = """
    select * exclude (is_lost, is_current, customer_version_key)
    from intermediate.int_customer_feature
    where as_of_date <= date '2026-03-31'
    order by customer_key, as_of_date
"""
SCORES = """
    select customer_key, as_of_date, health_score, coverage, churn_probability, used_model, reason_1, model_version
    from marts.fct_customer_health
    where as_of_date <= date '2026-03-31'
    order by customer_key, as_of_date
"""


def until_march(home: WarehouseFixture) -> None:
    """Eight customers with contracts, orders, tickets and scores until the end of March."""
    names = [f"C{number}" for number in range(8)]
    home.deliver("customer", [{"customer_id": name, "tier": "vip"} for name in names], night=EARLIER)
    home.deliver(
        "contract",
        [
            {
                "contract_id": f"K{name}",
                "customer_id": name,
                "start_date": date(2025, 1, 10),
                "end_date": date(2026, 4, 9),
                "billing_term_months": 3,
                "monthly_amount": 100,
                "monthly_cost": 40,
            }
            for name in names[:6]
        ],
        night=EARLIER,
    )
    home.deliver(
        "order",
        [
            {"order_id": f"O{name}{month}", "customer_id": name, "ordered_at": datetime(2025, month, 5), "amount": 10}
            for name in names
            for month in (3, 6, 9)
        ],
        night=EARLIER,
    )
    home.deliver(
        "ticket",
        [
            {
                "ticket_id": f"T{name}{month}",
                "customer_id": name,
                "customer_id_space": "crm",
                "created_at": datetime(2025, month, 8, 3),
                "first_response_at": datetime(2025, month, 8, 4),
                "status": "open",
                "is_complaint": False,
            }
            for name in names
            for month in (2, 7, 11)
        ],
        source="desk",
        night=EARLIER,
    )


def after_march(home: WarehouseFixture) -> None:
    """What came later: renewals of three, orders, tickets and answers to tickets of before."""
    home.deliver(
        "contract",
        [
            {"contract_id": f"R{n}", "customer_id": f"C{n}", "start_date": date(2026, 4, 10), "monthly_amount": 120}
            for n in range(3)
        ],
        night=LATER,
    )
    home.deliver(
        "order",
        [
            {"order_id": f"P{n}", "customer_id": f"C{n}", "ordered_at": datetime(2026, 5, 5), "amount": 99}
            for n in range(4)
        ],
        night=LATER,
    )
    home.deliver(
        "ticket",
        [
            {
                "ticket_id": f"U{n}",
                "customer_id": f"C{n}",
                "customer_id_space": "crm",
                "created_at": datetime(2026, 4, 8),
                "first_response_at": datetime(2026, 4, 9),
                "status": "open",
                "is_complaint": False,
            }
            for n in range(8)
        ]
        # what was told of tickets of November changes in May: a complaint, merged, deleted, no real ticket
        + [
            {
                "ticket_id": f"TC{n}11",
                "customer_id": f"C{n}",
                "customer_id_space": "crm",
                "created_at": datetime(2025, 11, 8, 3),
                "first_response_at": datetime(2025, 11, 8, 4),
                "status": "open",
                "updated_at": datetime(2026, 5, 1),
                **change,
            }
            for n, change in enumerate(
                (
                    {"is_complaint": True},
                    {"merged_into_ticket_id": "TC17", "merged_into_ticket_id_space": "desk"},
                    {"is_deleted": True},
                    {"exclusion": "spam"},
                )
            )
        ],
        source="desk",
        night=LATER,
    )


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = WarehouseFixture(tmp_path_factory.mktemp("health"), as_of=EARLIER)
    for table, rows in health_rows(SHIPPED).items():
        home.control(table, rows)
    until_march(home)
    home.build("--select", "+fct_customer_health", "+fct_churn_model", "+fct_churn_calibration", tests=False)
    found: dict[str, Any] = {"features": home.rows(FEATURES), "scores": home.rows(SCORES)}
    after_march(home)
    home.set_as_of(LATER)
    marts = ("+fct_customer_health", "+fct_churn_model", "+fct_churn_calibration", "+fct_satisfaction_link")
    home.build("--select", *marts, tests=False)
    return {**found, "later_features": home.rows(FEATURES), "later_scores": home.rows(SCORES), "home": home}


def test_features_of_a_month_end_do_not_change(nights: dict[str, Any]) -> None:
    assert {row["customer_kind"] for row in nights["features"]} == {"contract", "order"}
    assert nights["later_features"] == nights["features"]


def test_what_is_told_later_counts_from_then_on(nights: dict[str, Any]) -> None:
    rows = nights["home"].rows(
        """
        select customer.customer_id, feature.as_of_date, feature.tickets_per_year, feature.complaints_per_year
        from intermediate.int_customer_feature as feature
        join marts.dim_customer as customer using (customer_key)
        where feature.as_of_date in (date '2026-04-30', date '2026-05-31') and customer.customer_id <= 'C3'
        order by 1, 2
        """
    )
    counts = {
        name: [(row["tickets_per_year"], row["complaints_per_year"]) for row in rows if row["customer_id"] == name]
        for name in ("C0", "C1", "C2", "C3")
    }
    # of July, November and April; the one of November is a complaint in May, or does not count any more
    assert counts["C0"] == [(3, 0), (3, 1)]
    assert counts["C1"] == counts["C2"] == counts["C3"] == [(3, 0), (2, 0)]


def test_who_is_in_grace_is_lost_without_a_renewal(nights: dict[str, Any]) -> None:
    rows = nights["home"].rows(
        """
        select customer.customer_id, feature.is_lost, feature.horizon_days, health.used_model, health.churn_probability
        from intermediate.int_customer_feature as feature
        join marts.dim_customer as customer using (customer_key)
        join marts.fct_customer_health as health on health.customer_health_key = feature.customer_feature_key
        where feature.as_of_date = date '2026-04-30' and feature.customer_kind = 'in_grace'
        order by customer.customer_id
        """
    )
    # the first models of the kind are fitted at the end of June
    told = ("horizon_days", "is_lost", "used_model", "churn_probability")
    assert [tuple(row[name] for name in ("customer_id", *told)) for row in rows] == [
        (f"C{n}", 30, True, None, None) for n in (3, 4, 5)
    ]


def test_scores_of_a_month_end_do_not_change(nights: dict[str, Any]) -> None:
    assert nights["scores"]
    assert any(row["health_score"] is not None for row in nights["scores"])
    assert [row["churn_probability"] for row in nights["later_scores"]] == [
        row["churn_probability"] for row in nights["scores"]
    ]


def test_outcomes_are_what_happened(nights: dict[str, Any]) -> None:
    rows = nights["home"].rows(
        """
        select customer.customer_id, feature.is_lost from intermediate.int_customer_feature as feature
        join marts.dim_customer as customer using (customer_key)
        where feature.as_of_date = date '2026-01-31' and feature.customer_kind = 'contract'
        order by customer.customer_id
        """
    )
    # known on the 31st of May: the contracts of all six ended on the 9th of April, three were renewed
    assert [row["is_lost"] for row in rows] == [False, False, False, True, True, True]


def test_with_few_losses_everybody_has_the_naive_rate_and_it_says_so(nights: dict[str, Any]) -> None:
    models = nights["home"].rows(
        "select customer_kind, naive_rate, is_used, reason, reason_en, reason_zh from marts.fct_churn_model"
        " where fit_date = date '2026-06-30' order by 1"
    )
    kinds = ("contract", "in_grace", "order")
    assert [(row["customer_kind"], row["is_used"]) for row in models] == [(kind, False) for kind in kinds]
    assert {row["reason"] for row in models} <= {"too_few_losses", "too_few_windows"}
    assert all(row["reason_en"] and row["reason_zh"] for row in models)
    current = nights["home"].rows("select * from marts.fct_customer_health where is_current order by call_rank")
    assert {row["used_model"] for row in current} <= {"naive", None}
    ranks = [row["call_rank"] for row in current if row["call_rank"] is not None]
    assert ranks == list(range(1, len(ranks) + 1))
    assert all(0 <= row["coverage"] <= 1 for row in current)
