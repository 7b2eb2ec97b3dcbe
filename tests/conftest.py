"""Fixtures that several rooms use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.mini_company import MiniCompany
from tests.support.nightly_run import ONE_THREAD

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.update(ONE_THREAD)


# What takes longest begins first, so that no worker is left alone with it at the end.
_LONGEST_FIRST = (
    "compose/", "history/", "e2e/", "plugins/", "faults/", "dbt_project/", "dags/", "real_data/",
    "benchmarks/", "include/development/", "include/tracing/", "include/warehouse/", "browser/", "include/gate/",
)  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave hours of faults to `make soak`: they run only where `-m` asks for them."""
    if "soak" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("soak")])
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    path = item.path.relative_to(Path(__file__).parent).as_posix()
    return next((place for place, start in enumerate(_LONGEST_FIRST) if path.startswith(start)), len(_LONGEST_FIRST))


@pytest.fixture
def company(tmp_path: Path) -> MiniCompany:
    """A company of a handful of rows in a temporary data home."""
    return MiniCompany(tmp_path)
