"""Fixtures that several rooms use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.mini_company import MiniCompany

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave hours of faults to `make soak`: they run only where `-m` asks for them."""
    if "soak" in config.option.markexpr:
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in set(long)]


@pytest.fixture
def company(tmp_path: Path) -> MiniCompany:
    """A company of a handful of rows in a temporary data home."""
    return MiniCompany(tmp_path)
