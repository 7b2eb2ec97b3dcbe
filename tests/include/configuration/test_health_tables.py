"""The health score's file: what the shipped one says, what is refused, and the control tables made of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from include.configuration.health import HealthConfiguration
from include.configuration.health_tables import SCHEMAS, health_rows, health_tables
from include.configuration.loading import ConfigurationError, read_part
from include.customer_value.feature_list import FEATURE_NAMES
from include.customer_value.health import COMPONENTS
from include.settings import PROJECT_ROOT

TWO = """
coverage_min: 50
churn: {min_losses: 40}
versions:
  - components: {service: {weight: 1, items: {tickets_90d: {weight: 1, worst: 5, best: 0}}}}
  - valid_from: 2026-01-01
    components: {payment: {weight: 0.5}, usage: {weight: 2, items: {usage_change: {weight: 1, worst: -50, best: 0}}}}
"""


def test_without_a_file_there_is_no_score_and_the_defaults_warn(tmp_path: Path) -> None:
    tables = health_tables(tmp_path)
    assert tables.keys() == SCHEMAS.keys()
    assert tables["health_item"] == []
    (setting,) = tables["health_setting"]
    assert setting.keys() == SCHEMAS["health_setting"].keys()
    assert (setting["contract_horizon_days"], setting["is_contract_end_agreed"]) == (90, False)


def test_every_version_component_and_item_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "health.yml").write_text(TWO, encoding="utf-8")
    tables = health_tables(tmp_path)
    assert [tuple(row.values()) for row in tables["health_item"]] == [
        (date(1900, 1, 1), "service", 1, "tickets_90d", 1, 5, 0),
        (date(2026, 1, 1), "payment", Decimal("0.5"), None, None, None, None),
        (date(2026, 1, 1), "usage", 2, "usage_change", 1, -50, 0),
    ]
    assert tables["health_setting"][0]["min_losses"] == 40


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (TWO.replace("2026-01-01", "1900-01-01"), "versions are not in order"),
        (TWO.replace("tickets_90d", "tickets"), "tickets is no feature"),
        (TWO.replace("worst: 5", "worst: 0"), "worst and best are the same"),
        (TWO.replace("service", "luck"), "luck"),
        ("versions: [{components: {payment: {weight: 1}}}]", "no component has an item"),
        (TWO.replace("weight: 0.5", "weight: 0"), "greater than 0"),
    ],
)
def test_what_could_not_be_scored_is_refused(tmp_path: Path, broken: str, message: str) -> None:
    (tmp_path / "health.yml").write_text(broken, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message):
        health_tables(tmp_path)


def test_the_shipped_file_names_every_component_and_known_features() -> None:
    shipped = read_part(PROJECT_ROOT / "config", "health.yml", HealthConfiguration)
    (version,) = shipped.versions
    assert set(version.components) == set(COMPONENTS)
    assert not version.components["payment"].items
    rows = health_rows(shipped)["health_item"]
    assert {row["feature"] for row in rows} - {None} <= set(FEATURE_NAMES)
