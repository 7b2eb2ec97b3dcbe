"""All marts of the customers' value, churn and health, at every month-end, over facts of any size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.warehouse import home as warehouse

MARTS = "path:models/marts/strategic"
# What makes them of the clean rows; dimensions and marts of surveys need some of it, too.
DERIVED = "path:models/intermediate/customer"
# DuckDB's bound is of what it manages; numpy and Arrow hold a month's customers beside it.
BUILD_MEMORY_MB = 1000


def prepare(home: Path) -> None:
    """Build what the marts read and the home's warehouse, in which survey marts are, does not have yet."""
    warehouse.build_missing(home, f"+{MARTS}", MARTS, DERIVED)


def marts(home: Path) -> Callable[[], None]:
    """The product, with models that are fitted anew for every month-end, as on a first night."""
    return warehouse.dbt(home, "run", "--select", MARTS, DERIVED, memory_mb=BUILD_MEMORY_MB)
