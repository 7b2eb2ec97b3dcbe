"""The warehouse of a company of a few rows: figures by hand, conventions of the marts, and dbt's unit tests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from include.contracts import load_contracts
from tests.support.warehouse_fixture import WarehouseFixture

JUNE_29 = "2026-06-29"
CORE = {
    "dim_date", "dim_customer", "dim_customer_version", "dim_product", "dim_agent", "dim_team", "dim_channel",
    "dim_issue_type", "dim_region", "dim_survey", "dim_question", "dim_contract", "dim_source", "fct_order",
    "fct_customer_contract_movement", "fct_customer_month", "fct_customer_value", "audit_batch",
    "audit_check_result", "audit_decision", "audit_quarantined_row", "warehouse_state", "dim_asset",
    "dim_service_partner", "fct_visit", "fct_follow_up", "fct_review", "fct_usage_daily", "fct_improvement_action",
    "fct_metric_target", "fct_contract_renewal", "fct_customer_repurchase", "fct_cohort_retention",
    "fct_satisfaction_outcome",
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> WarehouseFixture:
    """Two customers of the CRM, one of whom the desk knows by e-mail, and what they bought and asked."""
    home = WarehouseFixture(tmp_path_factory.mktemp("company"))
    home.deliver(
        "customer",
        [
            {"customer_id": "C1", "tier": "standard", "region": "east", "updated_at": datetime(2025, 1, 1)},
            {"customer_id": "C2", "tier": "vip", "email_hash": "mail-2", "updated_at": datetime(2025, 1, 1)},
        ],
        night=JUNE_29,
    )
    home.deliver("customer", [{"customer_id": "C1", "tier": "vip", "updated_at": datetime(2026, 6, 20)}])
    home.deliver(
        "customer_identity", [{"customer_id": "D2", "email_hash": "mail-2"}, {"customer_id": "D3"}], source="desk"
    )
    home.deliver("product", [{"product_id": "P1", "product_line": "pumps"}])
    home.deliver(
        "order",
        [
            # 00:30 on 1 June in Shanghai
            {"order_id": "O1", "customer_id": "C1", "product_id": "P1", "ordered_at": datetime(2026, 5, 31, 16, 30),
             "amount": Decimal("100"), "cost": Decimal("60"), "refund_amount": Decimal("10"), "channel": "web"},
            {"order_id": "O2", "customer_id": "C1", "product_id": "P9", "ordered_at": datetime(2026, 6, 25),
             "amount": Decimal("30"), "cost": Decimal("20"), "channel": "pigeon"},
            {"order_id": "O3", "customer_id": "C9", "ordered_at": datetime(2026, 6, 25)},
            {"order_id": "O4", "ordered_at": datetime(2026, 6, 25)},
            {"order_id": "O5", "customer_id": "C1", "ordered_at": datetime(2026, 6, 25), "is_deleted": True},
        ],
    )  # fmt: skip
    home.deliver(
        "contract",
        [
            {"contract_id": "K1", "customer_id": "C2", "start_date": date(2026, 5, 16), "end_date": None,
             "monthly_amount": Decimal("310"), "monthly_cost": Decimal("155")},
        ],
    )  # fmt: skip
    home.deliver(
        "ticket",
        [
            {"ticket_id": "T1", "customer_id": "D2", "status": "open", "agent_id": "A1", "team_id": "M1"},
            {"ticket_id": "T2", "customer_id": "D3", "status": "open"},
        ],
        source="desk",
        quarantined=[{"business_key": "T9"}, {"business_key": "T8", "status": "held", "rule_id": "orphan"}],
    )
    home.control("rule", [{"rule_id": "range", "entity": "ticket", "name_en": "Range", "name_zh": "范围"}])
    home.control(
        "check_result",
        [{"batch_id": "b", "gate_no": 1, "source": "desk", "feed": "ticket", "entity": "ticket", "rule_id": "range",
          "verdict": "flag", "failed_count": 1, "checked_count": 2, "stopped": False}],
    )  # fmt: skip
    home.build()
    return home


def test_a_customer_is_one_over_all_key_spaces(warehouse: WarehouseFixture) -> None:
    customers = warehouse.rows(
        "select customer_id, key_space, tier, region, record_count, is_inferred, first_purchase_date "
        "from marts.dim_customer where customer_key <> 0 order by customer_id"
    )
    assert [tuple(row.values()) for row in customers] == [
        ("C1", "crm", "vip", None, 1, False, date(2026, 6, 1)),
        ("C2", "crm", "vip", None, 2, False, date(2026, 5, 16)),
        ("C9", "crm", None, None, 1, True, date(2026, 6, 25)),
        ("D3", "desk", None, None, 1, False, None),
    ]


def test_a_fact_carries_the_version_that_held(warehouse: WarehouseFixture) -> None:
    orders = warehouse.rows(
        "select f.order_id, c.customer_id, v.tier, f.ordered_date, p.product_id, p.is_inferred, f.customer_key = 0 "
        "from marts.fct_order f join marts.dim_customer c using (customer_key) "
        "join marts.dim_customer_version v using (customer_version_key) "
        "join marts.dim_product p using (product_key) order by f.order_id"
    )
    assert [tuple(row.values()) for row in orders] == [
        ("O1", "C1", "standard", date(2026, 6, 1), "P1", False, False),
        ("O2", "C1", "vip", date(2026, 6, 25), "P9", True, False),
        ("O3", "C9", None, date(2026, 6, 25), None, False, False),
        ("O4", None, None, date(2026, 6, 25), None, False, True),
    ]


def test_value_to_date(warehouse: WarehouseFixture) -> None:
    """C1: 100 - 10 + 30 = 120, of which 30 + 10 = 40 margin. C2: 310 × 16/31 + 310 = 470, of which half is margin."""
    values = warehouse.rows(
        "select c.customer_id, ltv_revenue, ltv_margin, order_count, recency_days, age_days "
        "from marts.fct_customer_value join marts.dim_customer c using (customer_key) "
        "where is_current and ltv_revenue is not null order by 1"
    )
    assert [tuple(row.values()) for row in values] == [
        ("C1", Decimal(120), Decimal(40), 2, 24, 29),
        ("C2", Decimal(470), Decimal(235), 0, None, None),
    ]


def test_members_that_nobody_delivered_are_inferred(warehouse: WarehouseFixture) -> None:
    agents = warehouse.rows("select agent_id, is_inferred from marts.dim_agent order by agent_key = 0, 1")
    assert agents == [{"agent_id": "A1", "is_inferred": True}, {"agent_id": None, "is_inferred": False}]
    assert warehouse.value("select is_inferred from marts.dim_team where team_id = 'M1'") is True
    channels = warehouse.rows(
        "select channel, channel_group, is_known from marts.dim_channel where channel in ('web', 'pigeon') order by 1"
    )
    assert [tuple(row.values()) for row in channels] == [("pigeon", None, False), ("web", "online", True)]


def test_keys_are_the_first_63_bits_of_md5(warehouse: WarehouseFixture) -> None:
    digest = hashlib.md5(b"crm\x1fC1", usedforsecurity=False).hexdigest()
    key = warehouse.value("select customer_key from marts.dim_customer where customer_id = 'C1'")
    assert key == int(digest[:16], 16) >> 1


def test_every_dimension_has_an_unknown_member(warehouse: WarehouseFixture) -> None:
    for model in sorted(CORE):
        if model.startswith("dim_") and model != "dim_date":
            key = warehouse.rows(f"select * from marts.{model} limit 0") or warehouse.rows(f"describe marts.{model}")
            name = key[0]["column_name"]
            assert warehouse.value(f"select count(*) from marts.{model} where {name} = 0") == 1, model


def test_the_calendar_has_no_gap(warehouse: WarehouseFixture) -> None:
    (found,) = warehouse.rows(
        "select count(*) as days, min(date_day) as first, max(date_day) as last, "
        "count(*) filter (where is_month_end and month_number = 2 and day_of_month = 29) as leap_days "
        "from marts.dim_date"
    )
    assert found["first"] == date(2000, 1, 1)
    assert found["last"] == date(2029, 12, 31)
    assert found["days"] == (found["last"] - found["first"]).days + 1
    assert found["leap_days"] == 8


def test_audit_marts_say_what_came_in(warehouse: WarehouseFixture) -> None:
    (tickets,) = warehouse.rows(
        "select rows_in, rows_clean, rows_quarantined from audit.audit_batch where entity = 'ticket'"
    )
    assert tickets == {"rows_in": 4, "rows_clean": 2, "rows_quarantined": 2}
    rows = warehouse.rows("select business_key, status, raw_row from audit.audit_quarantined_row order by 1")
    assert [tuple(row.values()) for row in rows] == [("T8", "held", "{}"), ("T9", "quarantined", "{}")]
    assert warehouse.value("select rule_name_zh from audit.audit_check_result") == "范围"
    assert warehouse.value("select count(*) from audit.warehouse_state") == 1


def test_no_original_row_is_in_the_file(warehouse: WarehouseFixture) -> None:
    assert b"original" not in warehouse.warehouse.read_bytes()


def test_comments_reach_the_file(warehouse: WarehouseFixture) -> None:
    tables = warehouse.rows(
        "select table_name, comment from duckdb_tables() where schema_name in ('marts', 'metrics', 'audit')"
    )
    assert {row["table_name"] for row in tables} >= CORE
    assert [row["table_name"] for row in tables if not (row["comment"] or "").startswith("One row")] == []
    silent = warehouse.rows(
        "select table_name, column_name from duckdb_columns() "
        "where schema_name in ('marts', 'metrics', 'audit') and coalesce(comment, '') = ''"
    )
    assert silent == []
    english_only = warehouse.rows(
        "select column_name, comment from duckdb_columns() where schema_name in ('marts', 'metrics', 'audit') "
        "and table_name in (select unnest(?)) and not regexp_matches(comment, '[一-龥]')",
        sorted(CORE),
    )
    assert english_only == []


def _marts(warehouse: WarehouseFixture) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Every mart of the manifest with its data tests."""
    manifest = json.loads((warehouse.dbt_target / "manifest.json").read_text(encoding="utf-8"))
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and "/marts/" in f"/{node['original_file_path']}":
            yield node, [test for test in tests if test.get("attached_node") == node["unique_id"]]


def test_every_mart_keeps_the_conventions(warehouse: WarehouseFixture) -> None:
    seen = set()
    for node, tests in _marts(warehouse):
        seen.add(node["name"])
        assert node["contract"]["enforced"], node["name"]
        assert (node["access"], bool(node["group"])) == ("public", True), node["name"]
        assert node["description"].startswith("One row"), node["name"]
        assert "is_key" in {test["test_metadata"]["name"] for test in tests}, f"{node['name']} has no tested key"
    assert seen >= CORE


def test_all_dbt_unit_tests_pass(warehouse: WarehouseFixture) -> None:
    output = warehouse.dbt("test", "--select", "test_type:unit")
    passed = re.search(r"Done\. PASS=(\d+) WARN=0 ERROR=0 SKIP=0", output)
    assert passed is not None, output
    manifest = json.loads((warehouse.dbt_target / "manifest.json").read_text(encoding="utf-8"))
    assert int(passed.group(1)) == len(manifest["unit_tests"]) > 9


def test_the_threads_of_a_build_are_those_it_is_given(warehouse: WarehouseFixture) -> None:
    shown = warehouse.dbt("show", "--inline", "select current_setting('threads') as threads", "--output", "json")
    assert '"threads": 1\n' in shown, shown


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> WarehouseFixture:
    """A home in which nothing was ever delivered."""
    home = WarehouseFixture(tmp_path_factory.mktemp("empty"))
    home.build()
    return home


def test_missing_entities_give_empty_marts(empty: WarehouseFixture) -> None:
    for model in sorted(CORE):
        schema = "audit" if model.startswith(("audit_", "warehouse_")) else "marts"
        count = empty.value(f"select count(*) from {schema}.{model}")
        if model in ("dim_date", "dim_channel"):
            assert count > 1
        else:
            assert count == int(model.startswith("dim_") or model == "warehouse_state"), model
    assert empty.value("select count(*) from staging.stg_survey_answer") == 0


def test_staging_has_every_clean_column(empty: WarehouseFixture) -> None:
    for entity, contract in load_contracts().items():
        found = {row["column_name"] for row in empty.rows(f"describe staging.stg_{entity}")}
        assert {name for name, _ in contract.clean_columns()} <= found, entity
