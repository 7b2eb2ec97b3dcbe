"""What dbt reads of `health.yml`: control tables, one row per version, component and item, and one row of settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from include.configuration.health import FILE, HealthConfiguration
from include.configuration.loading import read_part

_EXACT = pa.decimal128(18, 6)
SCHEMAS: dict[str, dict[str, pa.DataType]] = {
    "health_item": {
        "valid_from": pa.date32(),
        "component": pa.string(),
        "component_weight": _EXACT,
        "feature": pa.string(),
        "item_weight": _EXACT,
        "worst": _EXACT,
        "best": _EXACT,
    },
    "health_setting": {
        "coverage_min": pa.int32(),
        "contract_horizon_days": pa.int32(),
        "order_horizon_days": pa.int32(),
        "min_losses": pa.int32(),
        "refit_months": pa.int32(),
        "success_percent": pa.int32(),
        "is_contract_end_agreed": pa.bool_(),
    },
}
Row = dict[str, Any]


def health_tables(config: Path) -> dict[str, list[Row]]:
    """Rows of every table in SCHEMAS, from the file of the configuration's folder.

    Raises:
        ConfigurationError: the file can't be used.
    """
    return health_rows(read_part(config, FILE, HealthConfiguration))


def health_rows(health: HealthConfiguration) -> dict[str, list[Row]]:
    """`health_item`, where a component without items is one row without feature, and `health_setting`."""
    items = [
        {
            "valid_from": version.valid_from,
            "component": component,
            "component_weight": one.weight,
            "feature": feature,
            "item_weight": item.weight if item else None,
            "worst": item.worst if item else None,
            "best": item.best if item else None,
        }
        for version in health.versions
        for component, one in version.components.items()
        for feature, item in (*one.items.items(), *([] if one.items else [(None, None)]))
    ]
    return {
        "health_item": items,
        "health_setting": [{"coverage_min": health.coverage_min, **health.churn.model_dump()}],
    }
